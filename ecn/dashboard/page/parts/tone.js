/** How good or bad each state is. Pure: for badges, the drawing, and tests. */

/** @typedef {'good' | 'busy' | 'warn' | 'bad' | 'idle'} Tone */

/** @type {Record<string, Tone>} */
const TONES = {
  online: 'good', running: 'good', up: 'good', healthy: 'good',
  offline: 'bad', failed: 'bad', failing: 'bad', 'backing-off': 'bad', unhealthy: 'bad', down: 'bad',
  refusing: 'bad', unknown: 'warn', waiting: 'warn', stale: 'warn',
  queued: 'busy', pulling: 'busy', starting: 'busy', progressing: 'busy', connecting: 'busy',
  registered: 'idle', stopped: 'idle', exited: 'idle', none: 'idle',
  unheard: 'warn', open: 'good', closed: 'bad', disabled: 'idle',
};

/**
 * @param {string} state
 * @returns {Tone}
 */
export const toneOf = (state) => TONES[state] ?? 'idle';
