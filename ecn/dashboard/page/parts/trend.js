/**
 * <ecn-trend>: a value and how it went since the page was opened, as a small line. Telemetry is kept
 * nowhere else, so neither is this.
 */

import { html, nothing, render, svg } from '../core/html.js';

const WIDTH = 120;
const HEIGHT = 28;
/** Values that are kept. */
const MOST = 120;
/** Milliseconds between two of them, at least. */
const EACH = 2000;

class TrendElement extends HTMLElement {
  constructor() {
    super();
    /** @type {{key: string, value: number | undefined, at: string | undefined, most: number | undefined, text: string, of: string | undefined, title: string} | undefined} */
    this._said = undefined;
    this._key = '';
    /** @type {number[]} */
    this._values = [];
    this._at = /** @type {string | undefined} */ (undefined);
    this._last = 0;
  }

  /** @param {NonNullable<TrendElement['_said']>} said */
  set said(said) {
    this._said = said;
    if (said.key !== this._key) {
      this._key = said.key;
      this._values = [];
      this._last = 0;
      this._at = undefined;
    }
    const now = Date.now();
    const news = said.at === undefined ? now - this._last >= EACH : said.at !== this._at;
    if (said.value !== undefined && news) {
      this._values.push(said.value);
      if (this._values.length > MOST) this._values.shift();
      this._at = said.at;
      this._last = now;
    }
    this._draw();
  }

  _draw() {
    const said = this._said;
    if (!said) return;
    render(html`<span class="trend-text number">${said.value === undefined ? '–' : said.text}${
        said.value !== undefined && said.of ? html` <span class="of">of ${said.of}</span>` : nothing}</span>
      <svg class="trend" viewBox="0 0 ${WIDTH} ${HEIGHT}" height=${HEIGHT} preserveAspectRatio="none" role="img"
        aria-label=${`${said.title} since this page was opened`}>${
        this._values.length > 1 ? svg`<polyline points=${line(this._values, said.most)}></polyline>` : nothing
      }</svg>`, this);
  }
}

/**
 * @param {readonly number[]} values
 * @param {number | undefined} most the height of the picture; none: the greatest of them
 */
export function line(values, most) {
  const top = most ?? Math.max(...values, 1e-9) * 1.1;
  const step = WIDTH / (MOST - 1);
  const start = WIDTH - (values.length - 1) * step;
  return values.map((value, index) => {
    const y = HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2);
    return `${(start + index * step).toFixed(1)},${y.toFixed(1)}`;
  }).join(' ');
}

customElements.define('ecn-trend', TrendElement);

/**
 * @param {object} said
 * @param {string} said.key of what it is: another begins anew
 * @param {string} said.title for who hears it
 * @param {number | undefined} said.value
 * @param {string} said.text the value, written
 * @param {string} [said.of] all that there is, written
 * @param {string} [said.at] when it was measured
 * @param {number} [said.most]
 */
export const trend = ({ key, title, value, text, of, at, most }) =>
  html`<ecn-trend .said=${{ key, title, value, text, of, at, most }}></ecn-trend>`;
