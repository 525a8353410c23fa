/**
 * The base of elements that show one document of the API: asked for when it is first seen, and anew
 * only when something happened that concerns it. What was shown before stays until the answer is
 * there, so that nothing flickers.
 */

import { html, nothing, render } from '../core/html.js';
import { Problem } from '../core/api.js';
import { problemNote } from './problem.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/** Milliseconds between two questions about the same, while things happen to it quickly. */
const AT_MOST_EACH = 1000;
/** Milliseconds that a position of the past has to be looked at, before it is asked about. */
const SETTLED = 200;
/** Milliseconds until a question that could not be answered is asked again. */
const AGAIN = 5000;

/** @template T the document */
export class Asking extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** The document, once it is there. @type {T | undefined} */
    this.answer = undefined;
    /** Why there is none, or no newer one. @type {Problem | undefined} */
    this.problem = undefined;
    this._path = '';
    this._key = '';
    /** Up to where it is known that nothing concerns it. */
    this._seen = 0;
    this._asked = 0;
    this._settling = 0;
    /** @type {AbortController | undefined} of the question that is on its way */
    this._question = undefined;
    this._shown = new AbortController();
  }

  /** @returns {string} the path to ask, without its moment; '' for nothing */
  path() {
    return '';
  }

  /**
   * Whether that event may make another answer.
   * @param {EventLine} _line
   */
  concerns(_line) {
    return false;
  }

  /** Milliseconds after which it is asked anew, whatever happened; 0: never. Of now only. */
  every() {
    return 0;
  }

  /**
   * @param {T} _answer
   * @param {App} _app
   * @returns {unknown} what lit can render
   */
  show(_answer, _app) {
    return html``;
  }

  /** @returns {TemplateResult} while there is no answer yet */
  wait() {
    return html`<p class="quiet waits">Asking …</p>`;
  }

  /**
   * @param {Problem} problem instead of an answer
   * @returns {TemplateResult}
   */
  refused(problem) {
    return problemNote(problem);
  }

  connectedCallback() {
    this._shown = new AbortController();
    addEventListener('drawn', () => this.look(), { signal: this._shown.signal });
    this.look();
  }

  disconnectedCallback() {
    this._shown.abort();
    this._question?.abort();
    clearTimeout(this._settling);
    this._key = '';
  }

  /** After each drawing: is there something to ask, is there something to show? */
  look() {
    const { app } = this;
    if (!app || !this.isConnected) return;
    const path = this.path();
    const at = app.moment.live ? '' : String(app.moment.position);
    const key = `${path} ${at}`;
    if (path !== this._path) {
      this.answer = undefined;
      this.problem = undefined;
      this._path = path;
    }
    if (!path) this._key = key;
    else if (key !== this._key) {
      const first = this._key === '';
      this._key = key;
      this._seen = app.model.position;
      // A film is followed, though not each of its frames.
      const late = Date.now() - this._asked > AT_MOST_EACH;
      this._ask(first || late || this.answer === undefined ? 0 : SETTLED);
    } else if (this._news(app) || this._due(app)) {
      this._ask(Math.max(0, this._asked + AT_MOST_EACH - Date.now()));
    }
    this.draw();
  }

  /** @param {App} app */
  _news({ model, moment }) {
    if (!moment.live || model.position === this._seen) return false;
    const { events } = model;
    // What is not among the events that are kept may concern it.
    let news = events.length === 0 || /** @type {EventLine} */ (events[0]).position > this._seen + 1;
    for (let i = events.length - 1; i >= 0 && !news; i -= 1) {
      const line = /** @type {EventLine} */ (events[i]);
      if (line.position <= this._seen) break;
      news = this.concerns(line);
    }
    this._seen = model.position;
    return news;
  }

  /** @param {App} app */
  _due({ moment }) {
    if (!moment.live || this._question) return false;
    const passed = Date.now() - this._asked;
    if (this.problem && this.problem.status !== 404) return passed > AGAIN;
    return this.every() > 0 && passed > this.every() && document.visibilityState === 'visible';
  }

  /** @param {number} wait milliseconds */
  _ask(wait) {
    clearTimeout(this._settling);
    this._settling = window.setTimeout(() => void this._fetch(), wait);
  }

  async _fetch() {
    const { app } = this;
    if (!app) return;
    this._question?.abort();
    const question = new AbortController();
    this._question = question;
    this._asked = Date.now();
    const [path = '', at = ''] = this._key.split(' ');
    try {
      const answer = await this.ask(app, atMoment(path, at), question.signal);
      if (question.signal.aborted) return;
      this.answer = answer;
      this.problem = undefined;
    } catch (error) {
      if (question.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
      // What is not there is not shown as if it were; what could not be asked is shown as it was.
      if (error.status === 404) this.answer = undefined;
    }
    this._question = undefined;
    this.draw();
  }

  /**
   * @param {App} app
   * @param {string} path with its moment
   * @param {AbortSignal} signal
   * @returns {Promise<T>} Errors: Problem
   */
  async ask(app, path, signal) {
    return app.api.get(path, { signal });
  }

  draw() {
    const { app, answer, problem } = this;
    if (!app || !this.isConnected) return;
    if (answer !== undefined) {
      render(html`${problem ? this.refused(problem) : nothing}${this.show(answer, app)}`, this);
    } else if (problem) render(this.refused(problem), this);
    else render(this._path ? this.wait() : nothing, this);
  }
}

/**
 * A path with its moment.
 * @param {string} path
 * @param {string} at a position; '' is now
 */
export function atMoment(path, at) {
  if (!at) return path;
  return `${path}${path.includes('?') ? '&' : '?'}at=${at}`;
}
