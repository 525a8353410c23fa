/**
 * The events that a timeline shows: the latest page, older ones on demand, and what happens meanwhile.
 * Without filters news come with the live stream; with filters the controller is asked what is new that
 * they let through, at most once in a while. Knows nothing of how it is shown.
 */

import { Problem } from '../core/api.js';
import { news, pathOf } from './event-query.js';

/** @import { App } from '../core/app.js' */
/** @import { ListedEvent } from './event-query.js' */

/** @typedef {{position: number, items: ListedEvent[], next: number | null}} Page */

const PAGE = 100;
/** News beyond these are not added one by one: the list begins anew. */
const MOST_NEWS = 500;
/** Milliseconds between two questions for news. */
const AT_MOST_EACH = 1500;
/** Milliseconds until what could not be asked is asked again. */
const AGAIN = 5000;

export class EventFeed {
  /**
   * @param {App} app
   * @param {Record<string, string>} filters
   * @param {() => void} changed
   */
  constructor(app, filters, changed) {
    this._app = app;
    this._filters = filters;
    this._changed = changed;
    this._ended = new AbortController();
    this._asked = 0;
    this._asking = false;
    /** @type {ListedEvent[]} the newest first */
    this.items = [];
    /** Up to where everything is known that the filters let through. */
    this.known = 0;
    /** @type {number | null} before which older ones may be; null: there are none */
    this.next = null;
    /** @type {Problem | undefined} why there is nothing, or no more */
    this.problem = undefined;
    this.loaded = false;
    /** Whether a page is on its way that somebody waits for. */
    this.busy = false;
  }

  end() {
    this._ended.abort();
  }

  /** The first page. */
  async begin() {
    const at = this._moment();
    const page = await this._ask({ order: 'desc', limit: PAGE, ...at });
    if (!page) return;
    this.items = page.items;
    this.next = page.next;
    this.known = page.position;
    this.loaded = true;
    this._changed();
  }

  /** The next page of older ones. */
  async older() {
    if (this.next === null || this.busy) return;
    const page = await this._ask({ order: 'desc', limit: PAGE, before: this.next, ...this._moment() });
    if (!page) return;
    this.items = [...this.items, ...page.items];
    this.next = page.next;
    this._changed();
  }

  /** To be called after each drawing: is there anything new, or was the moment turned back? */
  look() {
    if (this.problem && Date.now() - this._asked > AGAIN && this.problem.status !== 400) {
      void (this.loaded ? this._later() : this.begin());
      return;
    }
    if (!this.loaded) return;
    const { position, events } = this._app.model;
    if (position < this.known) this._back(position);
    else if (position > this.known) {
      const fresh = Object.keys(this._filters).length ? null : news(events, this.known, position);
      if (fresh) {
        this.known = position;
        this.items = [...fresh, ...this.items];
      } else void this._later();
    }
  }

  /** @param {number} position */
  _back(position) {
    this.items = this.items.filter((each) => each.position <= position);
    this.known = position;
    // There may be older ones that were never asked for.
    if (!this.items.length) void this.begin();
  }

  /** What came behind those that are known. */
  async _later() {
    if (this._asking || Date.now() - this._asked < AT_MOST_EACH) return;
    const after = this.known;
    const page = await this._ask({ order: 'asc', limit: MOST_NEWS, after, ...this._moment() });
    if (!page || after !== this.known) return;
    if (page.items.length >= MOST_NEWS) {
      await this.begin();
      return;
    }
    this.items = [...page.items.reverse(), ...this.items];
    this.known = page.next ?? page.position;
    this._changed();
  }

  /** @returns {{at?: number}} */
  _moment() {
    const { moment } = this._app;
    return moment.live ? {} : { at: moment.position };
  }

  /**
   * @param {Record<string, string | number>} more
   * @returns {Promise<Page | null>} null: it is not wanted any more, or there was a problem
   */
  async _ask(more) {
    this._asked = Date.now();
    this._asking = true;
    this.busy = more['order'] === 'desc';
    this._changed();
    try {
      const page = await this._app.api.get(pathOf(this._filters, more), { signal: this._ended.signal });
      this.problem = undefined;
      return this._ended.signal.aborted ? null : page;
    } catch (error) {
      if (this._ended.signal.aborted) return null;
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
      this._changed();
      return null;
    } finally {
      this._asking = false;
      this.busy = false;
    }
  }
}
