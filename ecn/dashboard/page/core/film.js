/** Plays the log: frame after frame, from the moment that is shown up to now. */

/** @import { Api } from './api.js' */
/** @import { Model } from './model.js' */
/** @import { Frame } from './types.js' */

/**
 * @typedef {object} Speed
 * @property {string} name
 * @property {number} [events] a second
 * @property {number} [times] as fast as it was, silences cut short
 */

/** @type {readonly Speed[]} */
export const SPEEDS = [
  { name: '1 event/s', events: 1 },
  { name: '4 events/s', events: 4 },
  { name: '20 events/s', events: 20 },
  { name: '100 events/s', events: 100 },
  { name: '1,000 events/s', events: 1000 },
  { name: 'as fast as it was', times: 1 },
  { name: '10 times as fast', times: 10 },
  { name: '100 times as fast', times: 100 },
  { name: '1,000 times as fast', times: 1000 },
];

/** Frames a second at most: faster ones hold several events. */
const FRAMES = 25;
/** Frames that are asked for at once, and how few may be left before more are asked for. */
const PORTION = 100;
const FEW = 40;
/** Milliseconds that a silence takes at most. */
const SILENCE = 2000;

/**
 * How many events a frame is to hold.
 * @param {Speed} speed
 */
export const eventsPerFrame = (speed) => Math.max(1, Math.ceil((speed.events ?? 1) / FRAMES));

/**
 * How long to wait before a frame is shown.
 * @param {Speed} speed
 * @param {Frame} frame
 * @param {string | undefined} before the time that is shown until then
 * @returns {number} milliseconds
 */
export function waitBefore(speed, frame, before) {
  if (speed.events) return (1000 * Math.max(1, frame.events?.length ?? 1)) / speed.events;
  const passed = frame.time && before ? Date.parse(frame.time) - Date.parse(before) : 0;
  return Math.min(SILENCE, Math.max(0, passed / (speed.times ?? 1)));
}

export class Film {
  /**
   * @param {Api} api
   * @param {Model} model
   * @param {{shown: (frame: Frame) => void, ended: () => void, failed: (error: Error) => void}} told
   *     shown: a frame was applied; ended: it has come to now; failed: it stopped
   */
  constructor(api, model, told) {
    this._api = api;
    this._model = model;
    this._told = told;
    /** @type {Speed} */
    this.speed = /** @type {Speed} */ (SPEEDS[1]);
    /** @type {AbortController | null} */
    this._playing = null;
    this._wake = () => {};
  }

  get playing() {
    return this._playing !== null;
  }

  /** On from the position of the model. */
  play() {
    this.pause();
    const playing = new AbortController();
    this._playing = playing;
    this._run(playing.signal).then(
      () => playing.signal.aborted || this._over(this._told.ended),
      (error) => playing.signal.aborted || this._over(() => this._told.failed(error)),
    );
  }

  pause() {
    this._playing?.abort();
    this._playing = null;
    this._wake();
  }

  /** @param {Speed} speed from now on */
  at(speed) {
    this.speed = speed;
    this._wake();
  }

  /** @param {() => void} tell */
  _over(tell) {
    this._playing = null;
    tell();
  }

  /** @param {AbortSignal} signal */
  async _run(signal) {
    /** @type {Frame[]} */
    const frames = [];
    /** @type {number | null} where to go on; null: there is no more */
    let next = this._model.position;
    /** @type {Promise<void> | null} */
    let asking = null;
    const ask = async () => {
      const every = eventsPerFrame(this.speed);
      const found = await this._api.get(
        `/dashboard/changes?after=${next}&limit=${PORTION}&every=${every}`, { signal });
      frames.push(...found.frames);
      next = found.next ?? null;
    };
    // Drawn when it is due, not so long after what was drawn before: else each drawing slows it.
    let due = performance.now();
    while (!signal.aborted) {
      if (next !== null && frames.length < FEW) {
        asking ??= ask().finally(() => { asking = null; });
        if (frames.length === 0) {
          await asking;
          due = Math.max(due, performance.now());
        } else {
          asking.catch(() => {}); // heard when it is waited for, or asked again
        }
      }
      const frame = frames.shift();
      if (!frame) {
        if (next === null) return;
        continue;
      }
      due = Math.max(due + waitBefore(this.speed, frame, this._model.time), performance.now() - 100);
      await this._waited(due - performance.now());
      if (signal.aborted) return;
      due = Math.min(due, performance.now());
      if (this._model.apply(frame)) {
        this._told.shown(frame);
      }
    }
  }

  /** @param {number} milliseconds */
  _waited(milliseconds) {
    if (milliseconds <= 0) return Promise.resolve();
    return /** @type {Promise<void>} */ (new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this._wake = () => { clearTimeout(timer); resolve(); };
    }));
  }
}
