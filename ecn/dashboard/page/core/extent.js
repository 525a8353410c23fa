/** How long the log is, and what happened when in it: for a slider over all of it. */

/** @import { Api } from './api.js' */

/** @typedef {{position: number, time: number}} Point time in milliseconds since 1970 */

/** Points that are asked for: one for some pixels of the slider. */
const POINTS = 200;
/** Milliseconds after which it is asked again, if the log has grown. */
const OLD = 30_000;
/** The same, if the controller did not answer. */
const AGAIN = 5000;

/**
 * When the event at a position happened; between two points as if they came evenly.
 * @param {readonly Point[]} points ascending
 * @param {number} position
 * @returns {number | null} null before the first, where nothing is known
 */
export function timeAt(points, position) {
  const after = points.findIndex((each) => each.position >= position);
  if (after < 0) return points.at(-1)?.time ?? null;
  const end = /** @type {Point} */ (points[after]);
  const start = points[after - 1];
  if (!start || end.position === start.position) return end.time;
  const part = (position - start.position) / (end.position - start.position);
  return start.time + part * (end.time - start.time);
}

/**
 * How fast events came, between each point and the next.
 * @param {readonly Point[]} points ascending
 * @returns {{from: number, to: number, height: number}[]} positions; height 0 … 1, of the logarithm: a
 *     night with an event an hour and a deployment with a hundred a second are both to be seen
 */
export function rates(points) {
  const found = points.slice(1).map((end, index) => {
    const start = /** @type {Point} */ (points[index]);
    // Several in one millisecond came as fast as can be told.
    const seconds = Math.max(end.time - start.time, 1) / 1000;
    return { from: start.position, to: end.position, height: Math.log((end.position - start.position) / seconds) };
  });
  const heights = found.map((each) => each.height);
  const low = Math.min(...heights);
  const high = Math.max(...heights);
  return found.map((each) => ({
    ...each,
    height: high > low ? 0.08 + 0.92 * ((each.height - low) / (high - low)) : 0.5,
  }));
}

export class Extent {
  /** @param {Api} api */
  constructor(api) {
    this._api = api;
    /** The last position that is known of. */
    this.position = 0;
    /** @type {readonly Point[]} ascending */
    this.points = [];
    this._due = 0;
    this._asking = false;
  }

  /**
   * The points, with one more for what came since.
   * @param {number} position that is known of by now
   * @param {string | undefined} time of it
   * @returns {readonly Point[]}
   */
  upTo(position, time) {
    const last = this.points.at(-1);
    if (!time || (last && position <= last.position)) return this.points;
    return [...this.points, { position, time: Date.parse(time) }];
  }

  /**
   * Ask, unless what is known is of now.
   * @param {number} position that is known of from elsewhere
   * @returns {Promise<boolean>} whether it is another now
   */
  async look(position) {
    const grown = this.points.length === 0 || position > this.position;
    if (this._asking || !grown || Date.now() < this._due) return false;
    this._asking = true;
    try {
      const found = await this._api.get(`/dashboard/timeline?points=${POINTS}`);
      this._due = Date.now() + OLD;
      this.position = found.position;
      this.points = found.points.map((/** @type {{position: number, time: string}} */ each) => (
        { position: each.position, time: Date.parse(each.time) }));
      return true;
    } catch {
      this._due = Date.now() + AGAIN;
      return false; // the slider works without
    } finally {
      this._asking = false;
    }
  }
}
