/** How much of something is used: a small bar with its figure, or a dash where nothing is known. */

import { html, svg } from '../core/html.js';
import { mebibytes, percent } from '../core/format.js';

/**
 * @param {number | undefined} share 0 to 1; undefined: not known
 * @param {string} [exact] on hover
 */
export function meter(share, exact = '') {
  if (share === undefined || Number.isNaN(share)) return html`<span class="quiet">–</span>`;
  const filled = Math.max(0, Math.min(1, share)) * 100;
  const tone = share >= 0.95 ? 'bad' : share >= 0.85 ? 'warn' : '';
  return html`<span class="meter ${tone}" title=${exact}><svg viewBox="0 0 100 10"
    preserveAspectRatio="none" aria-hidden="true">${svg`<rect class="track" width="100" height="10"
    /><rect class="fill" width=${filled.toFixed(1)} height="10" />`}</svg><span>${percent(share * 100)}</span></span>`;
}

/**
 * Of something that is free, of a whole.
 * @param {number | undefined} free MiB
 * @param {number | undefined} total MiB; 0 is not known
 */
export function usedMeter(free, total) {
  if (free === undefined || !total) return meter(undefined);
  return meter((total - free) / total, `${mebibytes(total - free)} of ${mebibytes(total)}`);
}

/**
 * For sorting.
 * @param {number | undefined} free
 * @param {number | undefined} total
 */
export const usedShare = (free, total) =>
  (free === undefined || !total ? undefined : (total - free) / total);
