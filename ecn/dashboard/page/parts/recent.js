/** The last events up to the moment that is shown: for the overview. */

import { html, render, repeat } from '../core/html.js';
import { eventLine } from './event.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */

const SHOWN = 14;
/** Milliseconds from one question to the next, at least: a film passes many moments. */
const RARELY = 1000;

class RecentEvents extends HTMLElement {
  constructor() {
    super();
    /** @type {App | null} */
    this._app = null;
    /** @type {readonly EventLine[]} as they were asked for */
    this._fetched = [];
    this._askedAt = -Infinity;
    /** @type {AbortController | null} */
    this._going = null;
  }

  /** @param {App} app */
  set app(app) {
    this._app = app;
    this._draw();
  }

  disconnectedCallback() {
    this._going?.abort();
  }

  _draw() {
    const app = /** @type {App} */ (this._app);
    const { events, position } = app.model;
    const lines = unbroken([...events, ...this._fetched], position, SHOWN);
    const first = lines.at(-1)?.position ?? position + 1;
    if (lines.length < SHOWN && first > 1 && performance.now() - this._askedAt > RARELY) {
      this._askedAt = performance.now();
      void this._ask(position + 1);
    }
    render(html`<ol class="recent">${repeat(lines, (each) => each.position, (each) =>
      html`<li>${eventLine(app, each)}</li>`)}</ol>`, this);
  }

  /** @param {number} before position */
  async _ask(before) {
    this._going?.abort();
    const going = this._going = new AbortController();
    try {
      const page = await this._app?.api.get(`/events?order=desc&limit=${SHOWN}&before=${before}`,
        { signal: going.signal });
      this._fetched = page?.items ?? [];
      this._draw();
    } catch {
      // The shell says when the controller does not answer; it is asked again at a later drawing.
    }
  }
}

/**
 * Those up to a position without one missing between them.
 * @param {readonly EventLine[]} lines in any order, some of them twice
 * @param {number} position
 * @param {number} most
 * @returns {EventLine[]} the newest first
 */
function unbroken(lines, position, most) {
  const known = new Map(lines.map((each) => [each.position, each]));
  /** @type {EventLine[]} */
  const found = [];
  for (let next = position; found.length < most; next -= 1) {
    const line = known.get(next);
    if (!line) return found;
    found.push(line);
  }
  return found;
}

customElements.define('ecn-recent', RecentEvents);

/** @param {App} app */
export const recentEvents = (app) => html`<ecn-recent .app=${app}></ecn-recent>`;
