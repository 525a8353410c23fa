/**
 * Which moment the page shows: now, following the log by server-sent events, or a position of the past.
 */

/** @import { Api } from './api.js' */
/** @import { Model } from './model.js' */

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
    /** 'connecting', 'up', 'stale' (the controller lost its log) or 'away' */
    this.link = 'connecting';
  }

  /** The position that is shown. */
  get position() {
    return this._model.position;
  }

  /**
   * Show that moment.
   * @param {number | null} position null: now
   */
  async to(position) {
    this.live = position === null;
    const at = position === null ? '' : `?at=${position}`;
    this._model.load(await this._api.get(`/dashboard/snapshot${at}`));
    this.link = 'up';
    this._changed();
  }
}
