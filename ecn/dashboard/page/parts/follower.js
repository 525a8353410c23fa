/**
 * Follows the log of one container for as long as it is wanted: over links that break, and devices that
 * go away. Each time it begins, the network's log tells of it: so it never tries in haste.
 */

import { Problem } from '../core/api.js';
import { Lines } from './lines.js';

/** @import { App } from '../core/app.js' */
/** @import { Line } from './lines.js' */

/** Milliseconds before the next try. */
const WAITS = [2000, 5000, 10000, 30000];

/** Milliseconds in which a device answers, if it does: who is quiet for longer has just nothing to say. */
const QUIET = 11000;

/** Statuses that may be otherwise in a moment: the controller, the device or its answer is away. */
const AWAY = [0, 409, 429, 500, 502, 503, 504];

export class Follower {
  /**
   * @param {App} app
   * @param {string} id of the microservice
   * @param {number} tail lines of the past to begin with
   * @param {(lines: Line[]) => void} hear
   * @param {() => void} changed called when `state` is another
   */
  constructor(app, id, tail, hear, changed) {
    this._app = app;
    this._id = id;
    this._tail = tail;
    this._hear = hear;
    this._changed = changed;
    this._lines = new Lines();
    this._failures = 0;
    this._timer = 0;
    this._end = new AbortController();
    /** @type {'connecting' | 'following' | 'ended' | 'away' | 'refused'} */
    this.state = 'connecting';
    /** @type {Problem | undefined} */
    this.problem = undefined;
  }

  /** Begin, or try again now. */
  start() {
    clearTimeout(this._timer);
    if (this.state === 'following') return;
    this._end.abort();
    this._end = new AbortController();
    this._become('connecting');
    void this._follow(this._end.signal);
  }

  stop() {
    clearTimeout(this._timer);
    this._end.abort();
  }

  /** @param {AbortSignal} signal */
  async _follow(signal) {
    const { since } = this._lines;
    const query = new URLSearchParams({ follow: 'true', timestamps: 'true' });
    if (since) query.set('since', since);
    else query.set('tail', String(this._tail));
    this._lines.resumed();
    const quiet = setTimeout(() => this._become('following'), QUIET);
    signal.addEventListener('abort', () => clearTimeout(quiet));
    try {
      const answer = await this._app.api.fetch(`/microservices/${this._id}/logs?${query}`, { signal });
      clearTimeout(quiet);
      this._become('following');
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
      const decoder = new TextDecoder();
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        this._failures = 0;
        this._hear(this._lines.feed(decoder.decode(value, { stream: true })));
      }
      this._hear(this._lines.end());
      this._become('ended');
    } catch (error) {
      clearTimeout(quiet);
      if (signal.aborted) return;
      if (error instanceof Problem && !AWAY.includes(error.status)) {
        this._become('refused', error);
        return;
      }
      // A stream that breaks in its midst is a TypeError or a network error of the browser's own.
      this._become('away', error instanceof Problem ? error : undefined);
      this._timer = window.setTimeout(() => this.start(), WAITS[Math.min(this._failures, WAITS.length - 1)]);
      this._failures += 1;
    }
  }

  /**
   * @param {Follower['state']} state
   * @param {Problem} [problem]
   */
  _become(state, problem) {
    this.state = state;
    this.problem = problem;
    this._changed();
  }
}
