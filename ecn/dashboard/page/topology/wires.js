/** The ways that wires take, between cards or, where those are many, between groups. Pure. */

/** @import { Box, Layout } from './layout.js' */
/** @import { End, Network, Path } from './network.js' */

/** @typedef {{x0: number, y0: number, cx: number, cy: number, x1: number, y1: number}} Curve */
/** @typedef {{path: Path, curve: Curve}} Drawn one wire of a route */
/** @typedef {{from: string, to: string, paths: Path[], curve: Curve}} Bundle all between two groups */

/**
 * From the edge of one box to the edge of another; there and back are two ways.
 * @param {Box} from
 * @param {Box} to
 * @param {number} [shift] which of several between the same two, from 0
 * @returns {Curve}
 */
export function curveBetween(from, to, shift = 0) {
  const [ax, ay] = middle(from);
  const [bx, by] = middle(to);
  const dx = bx - ax;
  const dy = by - ay;
  const far = Math.hypot(dx, dy);
  if (far < 1) {
    // From something to itself, or to another in the same place: a loop at its right side.
    const x = from.x + from.w;
    return { x0: x, y0: ay - from.h / 4, cx: x + from.h, cy: ay, x1: x, y1: ay + from.h / 4 };
  }
  const bend = Math.min(0.16 * far, 90) + shift * 14;
  const cx = (ax + bx) / 2 - (dy / far) * bend;
  const cy = (ay + by) / 2 + (dx / far) * bend;
  const start = edge(from, cx, cy);
  const end = edge(to, cx, cy);
  return { x0: start[0], y0: start[1], cx, cy, x1: end[0], y1: end[1] };
}

/**
 * @param {Curve} curve
 * @param {number} part 0 to 1
 * @returns {[number, number]}
 */
export function pointOn({ x0, y0, cx, cy, x1, y1 }, part) {
  const rest = 1 - part;
  return [
    rest * rest * x0 + 2 * rest * part * cx + part * part * x1,
    rest * rest * y0 + 2 * rest * part * cy + part * part * y1,
  ];
}

/**
 * About how long it is, in the drawing's units.
 * @param {Curve} curve
 */
export function lengthOf({ x0, y0, cx, cy, x1, y1 }) {
  const direct = Math.hypot(x1 - x0, y1 - y0);
  return (direct + Math.hypot(cx - x0, cy - y0) + Math.hypot(x1 - cx, y1 - cy)) / 2;
}

/**
 * The place of a microservice inside its node's card.
 * @param {Box} card
 * @param {number} row counted from 0
 * @param {{top: number, chip: number}} measures
 * @returns {Box}
 */
export const chipBox = (card, row, { top, chip }) =>
  ({ x: card.x + 10, y: card.y + top + row * chip, w: card.w - 20, h: chip - 4 });

/**
 * Each wire of these routes by itself.
 * @param {Iterable<Path>} paths
 * @param {(end: End) => Box | null} boxOf
 * @param {number} most
 * @returns {Drawn[]}
 */
export function separate(paths, boxOf, most) {
  /** @type {Drawn[]} */
  const drawn = [];
  /** @type {Map<string, number>} */
  const taken = new Map();
  for (const path of paths) {
    for (const { from, to } of path.wires) {
      const a = boxOf(from);
      const b = boxOf(to);
      if (!a || !b) continue;
      const key = `${a.x},${a.y},${b.x},${b.y}`;
      const shift = taken.get(key) ?? 0;
      taken.set(key, shift + 1);
      drawn.push({ path, curve: curveBetween(a, b, shift) });
      if (drawn.length >= most) return drawn;
    }
  }
  return drawn;
}

/**
 * Together what leads from one group to another, or upstream; what stays inside a group is left out.
 * @param {Network} network
 * @param {Layout} layout
 * @returns {Bundle[]}
 */
export function bundled(network, layout) {
  /** @type {Map<string, Box>} */
  const boxes = new Map(layout.groups.map((each) => [`g${each.key}`, each]));
  boxes.set('', layout.centre.upstream);
  /** @type {Map<string, Bundle>} */
  const bundles = new Map();
  const groupAt = (/** @type {string} */ node) =>
    node === '' ? '' : `g${network.places.get(node)?.group ?? ''}`;
  for (const path of network.paths.values()) {
    const pairs = new Set(path.wires.map(({ from, to }) =>
      JSON.stringify([groupAt(from.node), groupAt(to.node)])));
    for (const pair of pairs) {
      const [from, to] = /** @type {[string, string]} */ (JSON.parse(pair));
      const a = boxes.get(from);
      const b = boxes.get(to);
      if (from === to || !a || !b) continue;
      const known = bundles.get(pair);
      if (known) known.paths.push(path);
      else bundles.set(pair, { from, to, paths: [path], curve: curveBetween(a, b) });
    }
  }
  return [...bundles.values()];
}

/**
 * @param {Box} box
 * @returns {[number, number]}
 */
const middle = (box) => [box.x + box.w / 2, box.y + box.h / 2];

/**
 * Where the way from the middle of a box to a point leaves the box.
 * @param {Box} box
 * @param {number} x
 * @param {number} y
 * @returns {[number, number]}
 */
function edge(box, x, y) {
  const [mx, my] = middle(box);
  const dx = x - mx;
  const dy = y - my;
  const part = Math.min(1, 1 / Math.max(
    Math.abs(dx) / (box.w / 2 || 1), Math.abs(dy) / (box.h / 2 || 1), 1e-6));
  return [mx + dx * part, my + dy * part];
}
