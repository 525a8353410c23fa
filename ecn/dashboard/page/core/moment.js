/**
 * Which moment the page shows: now, following the log, or a position of the past.
 */

import { Connection } from './connection.js';

/** @import { Api } from './api.js' */
/** @import { Model } from './model.js' */
/** @import { Frame } from './types.js' */

/** Milliseconds for which what changed counts as just touched. */
const TOUCHED = 1600;
/** A frame that touches more is no news of one thing: nothing is marked. */
const MANY = 300;

export class Moment {
  /**
   * @param {Api} api
   * @param {Model} model
   * @param {() => void} changed
   */
  constructor(api, model, changed) {
    this._api = api;
    this._model = model;
    this._changed = changed;
    /** Whether it is now; else the model is of `position`. */
    this.live = true;
    /** Ids of rows that changed just now, live or in the film. Views may let them flash. */
    this.touched = /** @type {Set<string>} */ (new Set());
    this.connection = new Connection(api, model, {
      changed,
      applied: (frame) => this.touch(frame),
    });
    /** @type {AbortController | null} */
    this._loading = null;
  }

  /** The position that is shown. */
  get position() {
    return this._model.position;
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
    this._loading?.abort();
    if (when === null) {
      this.live = true;
      await this.connection.start();
    } else {
      const loading = new AbortController();
      this._loading = loading;
      try {
        const snapshot = await this._api.get(`/dashboard/snapshot?at=${encodeURIComponent(when)}`, loading);
        if (loading.signal.aborted) return;
        this.connection.stop();
        this.live = false;
        this._model.load(snapshot);
      } catch (error) {
        if (!loading.signal.aborted) throw error;
      }
    }
    this._changed();
  }

  /** Nobody looks any more. */
  end() {
    this._loading?.abort();
    this.connection.stop();
  }

  /** @param {Frame} frame that was just applied */
  touch(frame) {
    const ids = Object.values(frame.put ?? {}).flatMap((rows) => rows.map((row) => row.id));
    if (ids.length === 0 || ids.length > MANY) return;
    for (const id of ids) this.touched.add(id);
    setTimeout(() => {
      for (const id of ids) this.touched.delete(id);
      this._changed();
    }, TOUCHED);
  }
}
