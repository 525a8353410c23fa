/** What a whole is made of: a bar of parts, and a legend that leads to each. */

import { html, svg } from '../core/html.js';
import { count } from '../core/format.js';

/** @import { Tone } from './state.js' */

/**
 * @typedef {object} Part
 * @property {string} label
 * @property {number} amount
 * @property {Tone} tone
 * @property {string} href where these are listed
 * @property {string} [title] more words, on hover
 */

const LENGTH = 1000;
/** A part that is there is seen, however small. */
const LEAST = 12;

/**
 * @param {string} name read aloud
 * @param {readonly Part[]} parts
 */
export function bar(name, parts) {
  let x = 0;
  const drawn = widths(parts.map((each) => each.amount)).map((width, index) => {
    const start = x;
    x += width;
    return svg`<rect class=${parts[index]?.tone ?? ''} x=${start} width=${Math.max(0, width - (width > 6 ? 3 : 0))}
      height="10" />`;
  });
  return html`
    <svg class="stacked" viewBox="0 0 ${LENGTH} 10" preserveAspectRatio="none" role="img"
      aria-label="${name}: ${parts.map((each) => `${each.amount} ${each.label}`).join(', ')}">
      <rect class="nothing" width=${LENGTH} height="10" />${drawn}</svg>
    <ul class="legend">${parts.map((each) => html`
      <li class="${each.tone} ${each.amount ? '' : 'zero'}"><a href=${each.href} title=${each.title ?? ''}><span
        class="legend-mark"></span>${each.label}<b>${count(each.amount)}</b></a></li>`)}</ul>`;
}

/**
 * @param {readonly number[]} amounts
 * @returns {number[]} of LENGTH together, and none that is there less than LEAST
 */
export function widths(amounts) {
  const all = amounts.reduce((sum, each) => sum + each, 0);
  if (!all) return amounts.map(() => 0);
  const small = amounts.filter((each) => each > 0 && (each / all) * LENGTH < LEAST);
  const rest = LENGTH - small.length * LEAST;
  const large = all - small.reduce((sum, each) => sum + each, 0);
  return amounts.map((each) => (each === 0 ? 0
    : (each / all) * LENGTH < LEAST ? LEAST : (each / large) * rest));
}
