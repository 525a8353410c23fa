/** The state of something, as a badge: a colour, a shape and a word, so that none has to see the colour. */

import { html } from '../core/html.js';

/** @typedef {'good' | 'busy' | 'warn' | 'bad' | 'idle'} Tone */

/** @type {Record<string, Tone>} */
const TONES = {
  online: 'good', running: 'good', up: 'good', healthy: 'good',
  offline: 'bad', failed: 'bad', failing: 'bad', 'backing-off': 'bad', unhealthy: 'bad', down: 'bad',
  refusing: 'bad', unknown: 'warn', waiting: 'warn', stale: 'warn',
  queued: 'busy', pulling: 'busy', starting: 'busy', progressing: 'busy', connecting: 'busy',
  registered: 'idle', stopped: 'idle', exited: 'idle', none: 'idle',
};

/**
 * @param {string} state
 * @returns {Tone}
 */
export const toneOf = (state) => TONES[state] ?? 'idle';

/**
 * @param {string} state
 * @param {Tone} [tone]
 */
export const stateBadge = (state, tone = toneOf(state)) =>
  html`<span class="state ${tone}">${state}</span>`;
