/** How the moment that is shown differs from now. Asked for while somebody wants to know. */

/** @import { Api } from './api.js' */

/**
 * @typedef {object} FieldChange
 * @property {string} path a JSON pointer
 * @property {'wanted' | 'reported'} aspect
 * @property {unknown} [before]
 * @property {unknown} [after]
 */

/**
 * @typedef {object} Difference
 * @property {string} subject
 * @property {string} name
 * @property {'created' | 'changed' | 'deleted'} change
 * @property {FieldChange[]} [fields]
 * @property {Record<string, string>} [names] of subjects that fields mention by id
 */

/** Milliseconds that the moment has to stay before it is asked about. */
const SETTLED = 350;

export class Differences {
  /**
   * @param {Api} api
   * @param {() => void} changed
   */
  constructor(api, changed) {
    this._api = api;
    this._changed = changed;
    /** Whether somebody wants to know. */
    this.open = false;
    /** The position that `items` are of; null: of none yet. */
    this.from = /** @type {number | null} */ (null);
    /** @type {Difference[]} */
    this.items = [];
    this.problem = '';
    /** @type {AbortController | null} */
    this._asking = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._wanted = -1;
  }

  /**
   * The moment that is shown: called at each that is.
   * @param {number | null} position null: now, which differs in nothing
   */
  of(position) {
    if (position === null) this.open = false;
    if (!this.open) {
      this._asking?.abort();
      clearTimeout(this._timer);
      this._wanted = -1;
    } else if (position !== null && position !== this._wanted) {
      this._wanted = position;
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._ask(position), this.from === null ? 0 : SETTLED);
    }
  }

  /** @param {number} position */
  async _ask(position) {
    this._asking?.abort();
    const asking = new AbortController();
    this._asking = asking;
    try {
      const found = await this._api.get(`/diff?from=${position}`, asking);
      if (asking.signal.aborted) return;
      this.items = found.items ?? [];
      this.from = position;
      this.problem = '';
    } catch (error) {
      if (asking.signal.aborted) return;
      this.problem = /** @type {Error} */ (error).message;
    }
    this._changed();
  }
}
