/** The state of something, as a badge: a colour, a shape and a word, so that none has to see the colour. */

import { html } from '../core/html.js';
import { toneOf } from './tone.js';

/** @typedef {import('./tone.js').Tone} Tone */

export { toneOf } from './tone.js';

/**
 * @param {string} state
 * @param {Tone} [tone]
 */
export const stateBadge = (state, tone = toneOf(state)) =>
  html`<span class="state ${tone}">${state}</span>`;
