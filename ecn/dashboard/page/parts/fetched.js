/**
 * Something that the model does not hold, asked for while it is shown: at first, every so often where it
 * is telemetry, and when an event says that it is another one. The old answer stays until the new one is there.
 */

import { html, nothing, render } from '../core/html.js';
import { Problem } from '../core/api.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */

/**
 * @typedef {object} Fetch
 * @property {App} app
 * @property {string} title the heading, as long as there is no answer that brings its own
 * @property {string} path below /api/v1
 * @property {boolean} [then] whether it can be asked of the past
 * @property {number} [every] milliseconds; not asked again by itself where it is not told
 * @property {(event: EventLine) => boolean} [on] events that it may be another one after
 * @property {(answer: any, stamp: string) => unknown} show what lit can render; the stamp changes with
 *     each answer
 */

/** Events often come in swarms: so long is waited for the others. Milliseconds. */
const SWARM = 300;

class FetchedElement extends HTMLElement {
  constructor() {
    super();
    /** @type {Fetch | null} */
    this._input = null;
    /** @type {unknown} */
    this._answer = null;
    /** @type {Error | null} */
    this._error = null;
    this._count = 0;
    /** What was asked for: another path or moment is asked at once. */
    this._asked = '';
    this._position = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._next = undefined;
    /** @type {AbortController | null} */
    this._going = null;
  }

  /** @param {Fetch} input */
  set input(input) {
    this._input = input;
    if (this.isConnected) this._look();
  }

  connectedCallback() {
    if (this._input) this._look();
  }

  disconnectedCallback() {
    clearTimeout(this._next);
    this._going?.abort();
    this._asked = '';
  }

  _look() {
    const { app, title, path, then, on } = /** @type {Fetch} */ (this._input);
    const at = app.moment.live ? '' : `${path.includes('?') ? '&' : '?'}at=${app.moment.position}`;
    if (at && !then) {
      this._asked = '';
      clearTimeout(this._next);
      render(html`<h1>${title}</h1><p class="card quiet">This is known of now only, and not of the past.</p>`, this);
      return;
    }
    if (this._asked !== path + at) {
      if (!this._asked.startsWith(path)) this._answer = null;
      this._asked = path + at;
      this._position = app.model.position;
      void this._ask();
    } else if (on && app.model.position > this._position) {
      const news = app.model.events.some((each) => each.position > this._position && on(each));
      this._position = app.model.position;
      if (news) this._later(SWARM);
    }
    this._draw();
  }

  /** @param {number} delay milliseconds */
  _later(delay) {
    clearTimeout(this._next);
    this._next = setTimeout(() => void this._ask(), delay);
  }

  async _ask() {
    this._going?.abort();
    clearTimeout(this._next);
    const going = this._going = new AbortController();
    const { app, every } = /** @type {Fetch} */ (this._input);
    try {
      this._answer = await app.api.get(this._asked, { signal: going.signal });
      this._error = null;
      this._count += 1;
    } catch (error) {
      if (going.signal.aborted) return;
      this._error = /** @type {Error} */ (error);
    }
    if (going.signal.aborted) return;
    if (every && app.moment.live) this._later(every);
    this._draw();
  }

  _draw() {
    const { title, show } = /** @type {Fetch} */ (this._input);
    const error = this._error;
    render(html`
      ${this._answer === null ? html`<h1>${title}</h1>` : nothing}
      ${error ? html`<p class="card problem" role="alert">${error.message}
        ${error instanceof Problem ? error.nextStep : nothing}
        <button type="button" @click=${() => void this._ask()}>Try again</button></p>` : nothing}
      ${this._answer === null ? (error ? nothing : html`<p class="quiet">Loading</p>`)
        : show(this._answer, `fetched ${this._count}`)}`, this);
  }
}

customElements.define('ecn-fetched', FetchedElement);

/** @param {Fetch} input */
export const fetched = (input) => html`<ecn-fetched .input=${input}></ecn-fetched>`;
