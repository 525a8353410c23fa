/**
 * Follows the log: a snapshot, then frames by server-sent events, for as long as it is let.
 *
 * Each frame carries all that changed up to its position, so that where the last one ended is all that
 * there is to remember: a stream that broke goes on behind it (`Last-Event-ID`), with this controller or
 * another. The stream is read by `fetch`: an EventSource gives up on a 503, and tells nobody of a 401.
 */

import { Problem } from './api.js';
import { Messages } from './sse.js';

/** @import { Api } from './api.js' */
/** @import { Model } from './model.js' */
/** @import { Frame } from './types.js' */

/** @typedef {'connecting' | 'up' | 'stale' | 'away'} Link */

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;
/** Milliseconds without a word, keep-alives (each 15 s) included, after which nobody is there. */
const SILENT = 40_000;
/** Milliseconds that two clocks may differ by: answers tell the time to the second, and take a while. */
const SAME_TIME = 5000;

/**
 * How long to wait before it is tried again.
 * @param {number} failures in a row, from 1
 * @param {number} chance 0 … 1: many dashboards must not come back in the same moment
 * @returns {number} milliseconds
 */
export function waitAfter(failures, chance) {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (failures - 1)) * (0.5 + chance / 2);
}

export class Connection {
  /**
   * @param {Api} api
   * @param {Model} model
   * @param {{changed: () => void, applied: (frame: Frame) => void}} heard called after the model or the
   *     link is another; for each frame that was news
   */
  constructor(api, model, { changed, applied }) {
    this._api = api;
    this._model = model;
    this._changed = changed;
    this._applied = applied;
    /** @type {AbortController | null} */
    this._running = null;
    this._wake = () => {};
    this._break = () => {};
    /** @type {Link} 'stale': the controller is there, but lost its log; 'away': it is not there */
    this.link = 'connecting';
    /** Since when the link is so, in milliseconds since 1970 by the viewer's clock. */
    this.since = Date.now();
    /** When something was heard last. */
    this.heard = 0;
    /** Milliseconds that the controller's clock is ahead of the viewer's, where that is worth a word. */
    this.ahead = 0;
    /** The controller's version, and the one at first; '' until it is known. */
    this.version = '';
    this.firstVersion = '';
    const again = () => this._wake();
    addEventListener('online', again);
    // Else a dead link is known by its silence alone.
    addEventListener('offline', () => this._break());
    document.addEventListener('visibilitychange', () => document.hidden || again());
  }

  /**
   * Follow from a fresh snapshot on; what was followed before is ended.
   * @returns {Promise<void>} once there is a snapshot, or the session is found to be no good
   */
  start() {
    this.stop();
    const running = new AbortController();
    this._running = running;
    this._is('connecting');
    return new Promise((loaded) => {
      void this._follow(running.signal, loaded).finally(loaded);
    });
  }

  stop() {
    this._running?.abort();
    this._running = null;
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} loaded
   */
  async _follow(signal, loaded) {
    let failures = 0;
    let fresh = false;
    while (!signal.aborted) {
      /** @type {number | undefined} */
      let retry;
      let away = true;
      try {
        if (!fresh) {
          const snapshot = await this._api.get('/dashboard/snapshot', { signal });
          if (signal.aborted) return;
          this._model.load(snapshot);
          this._versionIs(snapshot.version ?? '');
          this._hear();
          fresh = true;
          loaded();
        }
        const end = await this._read(signal, () => { failures = 0; });
        retry = end.retry;
        fresh = !end.reset;
        // A reset is no failure; but one may follow the other, where controllers are not equally far.
        away = !end.reset;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Problem && error.status === 401) return this.stop();
      }
      if (signal.aborted) return;
      failures += 1;
      if (away) this._is('away');
      await this._waited(Math.max(waitAfter(failures, Math.random()), retry ?? 0), signal);
    }
  }

  /**
   * One stream, to its end.
   * @param {AbortSignal} signal
   * @param {() => void} good called when it says something
   * @returns {Promise<{reset: boolean, retry: number | undefined}>} reset: a snapshot is needed
   */
  async _read(signal, good) {
    const own = new AbortController();
    const end = () => own.abort();
    this._break = end;
    signal.addEventListener('abort', end);
    let silence = setTimeout(end, SILENT);
    const messages = new Messages();
    try {
      const answer = await this._api.fetch('/dashboard/stream', {
        signal: own.signal,
        headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(this._model.position) },
        cache: 'no-store',
      });
      this._compareClocks(answer.headers.get('Date'));
      if (this.link !== 'stale') this._is('up');
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted) break;
        clearTimeout(silence);
        silence = setTimeout(end, SILENT);
        this.heard = Date.now();
        good();
        for (const message of messages.push(decoder.decode(value, { stream: true }))) {
          if (message.event === 'reset') return { reset: true, retry: messages.retry };
          this._obey(message.event, JSON.parse(message.data));
        }
      }
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', end);
      own.abort();
    }
    return { reset: false, retry: messages.retry };
  }

  /**
   * @param {string} event
   * @param {any} data
   */
  _obey(event, data) {
    if (event === 'change') {
      if (this._model.apply(data)) this._applied(data);
    } else if (event === 'telemetry') {
      this._model.hear(data);
    } else if (event === 'status') {
      this._versionIs(data.version ?? '');
      this._is(data.stale ? 'stale' : 'up');
    }
    this._changed();
  }

  /** @param {string | null} date of an answer, to the second */
  _compareClocks(date) {
    const ahead = date === null ? NaN : Date.parse(date) - Date.now();
    this.ahead = Math.abs(ahead) > SAME_TIME ? ahead : 0;
  }

  /** @param {string} version */
  _versionIs(version) {
    this.version = version || this.version;
    this.firstVersion ||= this.version;
  }

  _hear() {
    this.heard = Date.now();
    this._changed();
  }

  /** @param {Link} link */
  _is(link) {
    if (link === this.link) return;
    this.link = link;
    this.since = Date.now();
    this._changed();
  }

  /**
   * Until it may be tried again: after so long, or as soon as the tab is looked at or the network is back.
   * @param {number} milliseconds
   * @param {AbortSignal} signal
   */
  _waited(milliseconds, signal) {
    return /** @type {Promise<void>} */ (new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this._wake = () => { clearTimeout(timer); resolve(); };
      signal.addEventListener('abort', this._wake, { once: true });
    }));
  }
}
