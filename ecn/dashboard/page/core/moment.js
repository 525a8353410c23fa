/**
 * Which moment the page shows: now, following the log, or a position of the past, still or as a film.
 */

import { Connection } from './connection.js';
import { Differences } from './differences.js';
import { Extent } from './extent.js';
import { Film } from './film.js';

/** @import { Api } from './api.js' */
/** @import { Model } from './model.js' */
/** @import { EventLine, Frame } from './types.js' */

/** Milliseconds for which what changed counts as just touched. */
const TOUCHED = 1600;
/** A frame that touches more is no news of one thing: nothing is marked. */
const MANY = 300;
/** Events ahead that are asked for as a frame: a snapshot is larger. */
const NEAR = 200;
/** Milliseconds that a moment has to stay before it is asked what happened in it. */
const SETTLED = 150;
/** Events that are played if it is now. */
const LATELY = 200;

export class Moment {
  /**
   * @param {Api} api
   * @param {Model} model
   * @param {object} told
   * @param {() => void} told.changed
   * @param {(position: number | null) => void} told.moved what the URL is to name; null: now. Often
   *     called while it is dragged or played
   * @param {(error: Error) => void} told.failed a moment could not be shown
   */
  constructor(api, model, { changed, moved, failed }) {
    this._api = api;
    this._model = model;
    this._told = { changed, moved, failed };
    /** Whether it is now; else the model is of `position`. */
    this.live = true;
    /** Ids of rows that changed just now, live or in the film. Views may let them flash. */
    this.touched = /** @type {Set<string>} */ (new Set());
    /** @type {number | null} where the slider stands, while that is not shown yet */
    this.wanted = null;
    this.extent = new Extent(api);
    this.differences = new Differences(api, changed);
    this.connection = new Connection(api, model, {
      changed,
      applied: (frame) => this._touch(frame),
    });
    this.film = new Film(api, model, {
      shown: (frame) => {
        this._touch(frame);
        this._shown();
      },
      ended: () => this.now(),
      failed: (error) => {
        failed(error);
        changed();
      },
    });
    /** @type {EventLine | null} */
    this._event = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._learning = undefined;
    /** @type {AbortController | null} */
    this._loading = null;
    this._seeking = false;
  }

  /** The position that is shown. */
  get position() {
    return this._model.position;
  }

  /** What happened at the position that is shown: null while that is not known. */
  get event() {
    const last = this._model.events.at(-1);
    if (last?.position === this.position) return last;
    return this._event?.position === this.position ? this._event : null;
  }

  /** Whether another moment is on its way than is shown. */
  get waiting() {
    return this._loading !== null;
  }

  /** The last position that is known of. */
  get end() {
    return Math.max(this.extent.position, this._model.position);
  }

  /** 'connecting', 'up', 'stale' (the controller lost its log) or 'away' */
  get link() {
    return this.connection.link;
  }

  /**
   * Show that moment.
   * @param {number | string | null} when null: now; a position, or an RFC 3339 time
   * @returns {Promise<void>} once it is shown. Errors: Problem; what was shown stays then
   */
  async to(when) {
    this.film.pause();
    this._loading?.abort();
    this._loading = null;
    if (when === null) {
      this.live = true;
      this.wanted = null;
      this.differences.of(null);
      await this.connection.start();
    } else {
      const loading = new AbortController();
      this._loading = loading;
      this._told.changed();
      try {
        if (!await this._stepped(Number(when), loading)) await this._loaded(when, loading);
      } catch (error) {
        if (!loading.signal.aborted) throw error;
      } finally {
        if (this._loading === loading) this._loading = null;
      }
      if (loading.signal.aborted) return;
      this.differences.of(this.position);
      this._learn();
    }
    this._told.changed();
  }

  /**
   * Go there as soon as it can be shown: of several wishes, the last counts.
   * @param {number} position
   */
  seek(position) {
    this.wanted = Math.min(Math.max(0, Math.round(position)), this.end);
    this.film.pause();
    if (!this._seeking) void this._sought();
    this._told.changed();
  }

  /** @param {number} events forward, or back; beyond the last one it is now */
  step(events) {
    const position = (this.wanted ?? this.position) + events;
    if (position > this.end) this.now();
    else this.seek(position);
  }

  now() {
    this._told.moved(null);
  }

  /** Play from what is shown; if that is now, from a while ago. */
  async play() {
    const start = Math.max(0, this.end - LATELY);
    try {
      if (this.live) {
        await this.to(start);
        this._told.moved(this.position);
      }
      this.film.play();
    } catch (error) {
      this._told.failed(/** @type {Error} */ (error));
    }
    this._told.changed();
  }

  pause() {
    this.film.pause();
    this._told.changed();
  }

  /** @param {boolean} open whether it is to be told what differs from now */
  compare(open) {
    this.differences.open = open;
    this.differences.of(this.live ? null : this.position);
    this._told.changed();
  }

  /** Called each second while somebody looks at the slider, or at the past. */
  async look() {
    if (this._model.loaded && await this.extent.look(this.end)) this._told.changed();
  }

  /** Nobody looks any more. */
  leave() {
    this.film.pause();
    this._loading?.abort();
    this.connection.stop();
  }

  async _sought() {
    this._seeking = true;
    try {
      while (this.wanted !== null && (this.live || this.wanted !== this.position)) {
        const wanted = this.wanted;
        await this.to(wanted);
        if (this.live || this.position !== wanted) break; // sent elsewhere meanwhile
        this._shown();
      }
    } catch (error) {
      this._told.failed(/** @type {Error} */ (error));
    } finally {
      this.wanted = null;
      this._seeking = false;
      this._told.changed();
    }
  }

  /** A snapshot does not say what happened last: ask, if the moment stays. */
  _learn() {
    clearTimeout(this._learning);
    this._learning = setTimeout(async () => {
      const { position } = this;
      if (this.live || this.event || position < 1 || this.film.playing) return;
      try {
        const found = await this._api.get(`/events?after=${position - 1}&limit=1`);
        this._event = found.items[0] ?? null;
        this._told.changed();
      } catch {
        // Its line stays empty.
      }
    }, SETTLED);
  }

  /**
   * A few events ahead of a moment of the past: the frame that leads there.
   * @param {number} position
   * @param {AbortController} loading
   * @returns {Promise<boolean>} whether it is shown now
   */
  async _stepped(position, loading) {
    const ahead = position - this.position;
    if (this.live || !this._model.loaded || !(ahead > 0 && ahead <= NEAR)) return false;
    const { frames } = await this._api.get(
      `/dashboard/changes?after=${this.position}&until=${position}&limit=1&every=${ahead}`, loading);
    for (const frame of frames) {
      if (!loading.signal.aborted && this._model.apply(frame)) this._touch(frame);
    }
    return this.position === position;
  }

  /**
   * @param {number | string} when
   * @param {AbortController} loading
   */
  async _loaded(when, loading) {
    const [snapshot] = await Promise.all([
      this._api.get(`/dashboard/snapshot?at=${encodeURIComponent(when)}`, loading),
      // A page that begins in the past has to know how far it is to now.
      this.extent.points.length ? null : this.extent.look(0),
    ]);
    if (loading.signal.aborted) return;
    this.connection.stop();
    this.live = false;
    this._model.load(snapshot);
  }

  _shown() {
    this._told.moved(this.position);
    this.differences.of(this.position);
    this._told.changed();
  }

  /** @param {Frame} frame that was just applied */
  _touch(frame) {
    const ids = Object.values(frame.put ?? {}).flatMap((rows) => rows.map((row) => row.id));
    if (ids.length === 0 || ids.length > MANY) return;
    for (const id of ids) this.touched.add(id);
    setTimeout(() => {
      for (const id of ids) this.touched.delete(id);
      this._told.changed();
    }, TOUCHED);
  }
}
