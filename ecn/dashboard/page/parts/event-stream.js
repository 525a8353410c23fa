/**
 * <ecn-event-stream .app>: the timeline's list. It follows what happens while one is at its top and at
 * rest; whoever reads further down, or has an event open, is told how many are new, and nothing moves.
 */

import { html, guard, nothing, render, repeat } from '../core/html.js';
import { count } from '../core/format.js';
import { eventFilters } from './event-filters.js';
import { EventFeed } from './event-feed.js';
import { byDay, filtersOf, grouped } from './event-query.js';
import { eventSentence } from './event.js';
import { unversioned } from './event-words.js';
import { problemNote } from './problem.js';
import './event-details.js';

/** @import { App } from '../core/app.js' */
/** @import { ListedEvent } from './event-query.js' */

const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
/** Pixels from the top that still count as being there. */
const TOP = 120;

class EventStream extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** @type {EventFeed | undefined} */
    this._feed = undefined;
    this._asked = '';
    /** Whether it was told to stand still. */
    this._paused = false;
    /** Up to which position is shown, while there are newer ones; null: all. @type {number | null} */
    this._held = null;
    /** @type {Set<number>} positions whose details are shown */
    this._open = new Set();
    /** @type {Set<string>} groups whose events are all shown */
    this._unfolded = new Set();
    this._ended = new AbortController();
  }

  connectedCallback() {
    this._ended = new AbortController();
    const { signal } = this._ended;
    addEventListener('drawn', () => this._look(), { signal });
    this.addEventListener('keydown', (event) => this._key(event), { signal });
    this._look();
  }

  disconnectedCallback() {
    this._ended.abort();
    this._feed?.end();
    this._feed = undefined;
    this._asked = '';
  }

  /** After each drawing of the page. */
  _look() {
    const { app } = this;
    if (!app || !this.isConnected) return;
    const filters = filtersOf(app.location.query);
    const asked = JSON.stringify(filters);
    if (asked !== this._asked) {
      this._asked = asked;
      this._feed?.end();
      this._feed = new EventFeed(app, filters, () => this._draw());
      this._open.clear();
      this._unfolded.clear();
      this._held = null;
      void this._feed.begin();
    } else this._feed?.look();
    this._draw();
  }

  /** Whether somebody reads, so that nothing may move. */
  _still() {
    return this._paused || this._open.size > 0 || scrollY > TOP
      || this.querySelector('.event-list:hover, .event-list :focus-visible') !== null;
  }

  _draw() {
    const { app, _feed: feed } = this;
    if (!app || !feed || !this.isConnected) return;
    const newest = feed.items[0]?.position ?? 0;
    // While the past is played or turned back, the list is as it was then.
    if (!app.moment.live || !this._still() || this._held === null || this._held > newest) {
      if (this._held !== newest && feed.loaded) this._held = newest;
    }
    const held = this._held ?? newest;
    const shown = held >= newest ? feed.items : feed.items.filter((each) => each.position <= held);
    render(html`
      ${eventFilters(app, filtersOf(app.location.query))}
      ${this._head(app, feed, shown.length)}
      ${feed.problem ? problemNote(feed.problem) : nothing}
      ${guard([shown, app.location.query.toString(), [...this._open].join(), [...this._unfolded].join()],
        () => this._list(app, shown))}
      ${this._foot(feed, shown.length)}`, this);
  }

  /**
   * How much there is, and what is not shown.
   * @param {App} app
   * @param {EventFeed} feed
   * @param {number} shown
   */
  _head(app, feed, shown) {
    const waiting = feed.items.length - shown;
    const filtered = this._asked !== '{}';
    const without = Object.fromEntries(Object.keys(filtersOf(app.location.query)).map((each) => [each, null]));
    return html`
      <div class="row apart event-head">
        <p class="amount" role="status">${!feed.loaded ? 'Asking …'
          : `${count(shown)}${feed.next === null ? '' : ' latest'} ${shown === 1 ? 'event' : 'events'}`}${
          filtered ? html`, filters hide the others
            <button type="button" class="plain" @click=${() => app.location.set(without)}>Show all</button>` : nothing}</p>
        ${app.moment.live ? html`
          <div class="row">
            <button type="button" class="event-news" ?hidden=${!waiting} @click=${() => this._release()}
              >${count(waiting)} new ${waiting === 1 ? 'event' : 'events'}</button>
            <button type="button" aria-pressed=${this._paused ? 'true' : 'false'} @click=${() => {
              this._paused = !this._paused;
              this._draw();
            }}>Pause</button>
          </div>` : html`<p class="quiet">Until position ${app.moment.position}</p>`}
      </div>`;
  }

  /** Show what is new, at the top. */
  _release() {
    this._open.clear();
    this._paused = false;
    this._held = this._feed?.items[0]?.position ?? null;
    scrollTo({ top: 0 });
    this._draw();
  }

  /**
   * @param {App} app
   * @param {readonly ListedEvent[]} shown
   */
  _list(app, shown) {
    return html`<div class="event-list">${repeat(byDay(grouped(shown)), (each) => each.day, ({ day: of, groups }) => html`
      <section class="event-day">
        <h2>${day.format(new Date(of))}</h2>
        <ol>${repeat(groups, (each) => each.key, ({ key, head, rest }) => {
          const unfolded = this._unfolded.has(key);
          return html`<li class="event-group ${rest.length ? 'several' : ''}">
            ${this._line(app, head)}
            ${rest.length ? html`
              <button type="button" class="plain event-rest" aria-expanded=${unfolded ? 'true' : 'false'}
                @click=${() => this._turn(this._unfolded, key)}>${unfolded ? 'Only the first of them'
                  : `and ${count(rest.length)} more by the same command`}</button>` : nothing}
            ${unfolded ? html`<div class="event-children">${
              repeat(rest, (each) => each.position, (each) => this._line(app, each))}</div>` : nothing}
          </li>`;
        })}</ol>
      </section>`)}</div>`;
  }

  /**
   * @param {App} app
   * @param {ListedEvent} event
   */
  _line(app, event) {
    const open = this._open.has(event.position);
    return html`
      <div class="event-row ${open ? 'open' : ''}">
        <button type="button" class="plain event-fold" aria-expanded=${open ? 'true' : 'false'}
          aria-label="Details of event ${event.position}"
          @click=${() => this._turn(this._open, event.position)}></button>
        <a class="event-clock" href=${app.location.with({ at: event.position })}
          title="${exact.format(new Date(event.time))}: show the network right after it"><time
          datetime=${event.time}>${clock.format(new Date(event.time))}</time></a>
        ${eventSentence(app, event)}
        <code class="event-type">${unversioned(event.type)}</code>
        <span class="event-position number">${event.position}</span>
      </div>
      ${open ? html`<ecn-event class="event-details" .app=${app} .event=${event}></ecn-event>` : nothing}`;
  }

  /**
   * @param {EventFeed} feed
   * @param {number} shown
   */
  _foot(feed, shown) {
    if (!feed.loaded) return nothing;
    const last = feed.items.at(-1)?.position;
    return html`<div class="event-foot">
      ${shown || feed.next !== null ? nothing : html`<p class="quiet">${this._asked === '{}'
        ? 'Nothing has happened yet.' : 'Nothing that the filters let through has happened.'}</p>`}
      ${feed.next === null
        ? shown ? html`<p class="quiet">That is where the log begins${this._asked === '{}' ? '' : ', as far as the filters go'}.</p>` : nothing
        : html`<button type="button" ?disabled=${feed.busy} @click=${() => feed.older()}>Show older ones</button>
          ${last !== undefined && feed.next < last - 1 ? html`<span class="quiet">searched back to position ${
            count(feed.next)}</span>` : nothing}`}
    </div>`;
  }

  /**
   * @template T
   * @param {Set<T>} of
   * @param {T} one
   */
  _turn(of, one) {
    if (!of.delete(one)) of.add(one);
    this._draw();
  }

  /**
   * Arrows go from event to event.
   * @param {KeyboardEvent} event
   */
  _key(event) {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const row = /** @type {Element} */ (event.target).closest('.event-row');
    if (!row) return;
    /** @type {HTMLElement[]} */
    const folds = [...this.querySelectorAll('.event-row > .event-fold')].map((each) => /** @type {HTMLElement} */ (each));
    const at = folds.findIndex((each) => each.parentElement === row);
    const next = folds[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

customElements.define('ecn-event-stream', EventStream);
