/**
 * Which routes are drawn, and how: each by itself, bundled between groups, or only those that stand out
 * where there are too many. Pure, but for remembering what it said last.
 */

import { detailAt, overlap, seen } from './camera.js';
import { CARD } from './layout.js';
import { bundled, chipBox, separate } from './wires.js';

/** @import { Emphasis } from './emphasis.js' */
/** @import { Picture } from './ink.js' */
/** @import { Box } from './layout.js' */
/** @import { End, Path } from './network.js' */
/** @import { Bundle, Drawn } from './wires.js' */

/** More wires than these say nothing any more. */
const READABLE = 150;
const BUNDLES = 30;
const LOUD = 400;

export class Routes {
  constructor() {
    /** @type {{key: unknown[], wires: Drawn[], bundles: Bundle[]} | null} */
    this._last = null;
    /** Raised when routes, nodes or groups are other ones. */
    this.version = 0;
  }

  /**
   * @param {Picture} picture
   * @param {Emphasis} said
   * @returns {{wires: Drawn[], bundles: Bundle[]}}
   */
  of(picture, said) {
    const { camera, layout, boxes } = picture;
    const detail = detailAt(camera.scale);
    const near = detail === 'cards';
    // Near, it depends on what is in sight: that is cheap to find. Far, all are looked at: once.
    const key = [this.version, layout, detail, said, near ? camera : boxes];
    if (this._last && key.every((each, n) => each === this._last?.key[n])) return this._last;
    this._last = { key, ...choose(picture, said, near) };
    return this._last;
  }
}

/**
 * @param {Picture} picture
 * @param {Emphasis} said
 * @param {boolean} near
 * @returns {{wires: Drawn[], bundles: Bundle[]}}
 */
function choose(picture, said, near) {
  const { network, layout } = picture;
  const boxOf = (/** @type {End} */ end) => boxAt(picture, end, near);
  const loud = [...said.routes].flatMap((id) => network.paths.get(id) ?? []);
  const total = [...network.paths.values()].reduce((sum, path) => sum + path.wires.length, 0);
  if (total <= READABLE) return { wires: separate(network.paths.values(), boxOf, READABLE), bundles: [] };
  if (near) {
    const paths = inSight(picture);
    const wires = paths.reduce((sum, path) => sum + path.wires.length, 0) <= READABLE
      ? separate(new Set([...paths, ...loud]), boxOf, LOUD) : separate(loud, boxOf, LOUD);
    return { wires, bundles: [] };
  }
  if (loud.length) return { wires: separate(loud, boxOf, LOUD), bundles: [] };
  const bundles = bundled(network, layout);
  if (bundles.length <= BUNDLES) return { wires: [], bundles };
  // Those that carry most say most.
  return { wires: [], bundles: bundles.sort((a, b) => b.paths.length - a.paths.length).slice(0, BUNDLES) };
}

/**
 * @param {Picture} picture
 * @returns {Path[]}
 */
function inSight({ camera, size, boxes, network }) {
  const view = seen(camera, size);
  /** @type {Set<string>} */
  const ids = new Set();
  for (const [id, box] of boxes) {
    if (overlap(box, view)) for (const each of network.pathsAt.get(id) ?? []) ids.add(each);
  }
  return [...ids].flatMap((id) => network.paths.get(id) ?? []);
}

/**
 * Where an end is drawn: at the microservice if it is seen, else at its node.
 * @param {Picture} picture
 * @param {End} end
 * @param {boolean} near
 * @returns {Box | null}
 */
function boxAt({ layout, boxes, network }, end, near) {
  if (end.node === '') return layout.centre.upstream;
  const box = boxes.get(end.node);
  if (!box) return null;
  const row = near && end.part
    ? (network.places.get(end.node)?.parts ?? []).findIndex((each) => each.id === end.part) : -1;
  if (row < 0) return box;
  // At the card's border, beside it: so that no wire crosses what is written.
  return { ...chipBox(box, Math.min(row, layout.rows - 1), CARD), x: box.x, w: box.w };
}
