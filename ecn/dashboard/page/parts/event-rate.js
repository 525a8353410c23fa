/** Events in each minute of the last hour, drawn; from the timeline, and then from what is heard live. */

import { html, render, svg } from '../core/html.js';
import { count } from '../core/format.js';
import { merged, rates } from '../core/rates.js';

/** @import { App } from '../core/app.js' */
/** @import { Point } from '../core/rates.js' */

const MINUTES = 60;
const MINUTE = 60_000;
const HIGH = 40;

class EventRate extends HTMLElement {
  constructor() {
    super();
    /** @type {App | null} */
    this._app = null;
    /** @type {readonly Point[]} of the past, as fetched */
    this._points = [];
    /** @type {Point[]} heard since, the last of each second */
    this._heard = [];
    this._position = -1;
    /** @type {AbortController | null} */
    this._ended = null;
  }

  /** @param {App} app */
  set app(app) {
    this._app = app;
    this._draw();
  }

  connectedCallback() {
    this._ended = new AbortController();
    void this._ask(this._ended.signal);
  }

  disconnectedCallback() {
    this._ended?.abort();
  }

  /** @param {AbortSignal} signal */
  async _ask(signal) {
    try {
      const answer = await this._app?.api.get('/dashboard/timeline?points=1000', { signal });
      /** @type {{position: number, time: string}[]} */
      const points = answer?.points ?? [];
      this._points = points.map(({ position, time }) => ({ position, at: Date.parse(time) }));
    } catch {
      // Then it begins with what is heard from now on.
    }
    this._draw();
  }

  _draw() {
    const app = this._app;
    if (!app) return;
    if (app.moment.live && app.model.position > this._position) {
      const known = this._position;
      for (const event of app.model.events) {
        if (event.position > known) this._hear(event.position, Date.parse(event.time));
      }
      this._position = app.model.position;
    }
    const minutes = rates(merged(this._points, this._heard), app.now, MINUTES).map(Math.round);
    const most = Math.max(5, ...minutes);
    const last = minutes.at(-1) ?? 0;
    const all = minutes.reduce((sum, each) => sum + each, 0);
    render(html`
      <p class="figure"><b>${count(last)}</b> in the last minute</p>
      <svg class="spark" viewBox="0 0 ${MINUTES * 4} ${HIGH}" preserveAspectRatio="none" role="img"
        aria-label="Events in each minute of the last hour: ${all} together, ${most} at most">
        ${minutes.map((each, index) => {
          const height = each ? Math.max(1.5, (each / most) * HIGH) : 0.6;
          return svg`<rect x=${index * 4} width="3" y=${HIGH - height} height=${height}
            class=${each ? '' : 'none'}><title>${each}, ${MINUTES - index} min ago</title></rect>`;
        })}</svg>
      <p class="quiet axis"><span>1 h ago</span><span>at most ${count(most)} a minute</span><span>${
        app.moment.live ? 'now' : 'then'}</span></p>`, this);
  }

  /**
   * @param {number} position
   * @param {number} at
   */
  _hear(position, at) {
    const last = this._heard.at(-1);
    if (last && Math.floor(last.at / 1000) === Math.floor(at / 1000)) last.position = position;
    else this._heard.push({ position, at });
    const old = (this._app?.now ?? 0) - (MINUTES + 1) * MINUTE;
    while ((this._heard[1]?.at ?? Infinity) < old) this._heard.shift();
  }
}

customElements.define('ecn-event-rate', EventRate);

/** @param {App} app */
export const eventRate = (app) => html`<ecn-event-rate .app=${app}></ecn-event-rate>`;
