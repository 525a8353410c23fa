/** The ways that wires take, between cards or, where those are many, between groups. Pure. */

/** @import { Box, Layout } from './layout.js' */
/** @import { End, Network, Path } from './network.js' */

/**
 * A way from one point to another, and the two points that pull at it.
 * @typedef {{x0: number, y0: number, ax: number, ay: number, bx: number, by: number, x1: number,
 *     y1: number}} Curve
 */
/** @typedef {{path: Path, curve: Curve}} Drawn one wire of a route */
/** @typedef {{from: string, to: string, paths: Path[], curve: Curve}} Bundle all between two groups */

/**
 * From the side of one card to the side of another; what stands above each other, or in the same card,
 * is joined at the right.
 * @param {Box} from
 * @param {Box} to
 * @param {number} [shift] which of several between the same two, from 0
 * @returns {Curve}
 */
export function sideways(from, to, shift = 0) {
  const [ay, by] = [from.y + from.h / 2, to.y + to.h / 2];
  const apart = to.x + to.w / 2 - from.x - from.w / 2;
  const near = Math.abs(apart) < (from.w + to.w) / 2;
  const out = near || apart > 0 ? 1 : -1;
  const into = near ? 1 : -out;
  const x0 = out > 0 ? from.x + from.w : from.x;
  const x1 = into > 0 ? to.x + to.w : to.x;
  const pull = (near ? Math.min(90, 26 + Math.abs(by - ay) * 0.12) : 24 + Math.abs(x1 - x0) * 0.35) + shift * 8;
  return { x0, y0: ay, ax: x0 + out * pull, ay, bx: x1 + into * pull, by, x1, y1: by };
}

/**
 * Up to what stands above all, from the side of a card.
 * @param {Box} from
 * @param {Box} to
 * @returns {Curve}
 */
export function upwards(from, to) {
  const [x0, y0] = [from.x + from.w, from.y + from.h / 2];
  const middle = to.x + to.w / 2;
  // Fanned out along its lower edge, as they come.
  const x1 = middle + Math.max(-1, Math.min(1, (x0 - middle) / (8 * to.w))) * to.w * 0.42;
  const y1 = to.y + to.h;
  return { x0, y0, ax: x0 + 44, ay: y0, bx: x1, by: y1 + (y0 - y1) * 0.55, x1, y1 };
}

/**
 * Between two groups, from the sides that face each other; there and back are two ways.
 * @param {Box} from
 * @param {Box} to
 * @returns {Curve}
 */
function facing(from, to) {
  const [fx, fy] = [from.x + from.w / 2, from.y + from.h / 2];
  const [tx, ty] = [to.x + to.w / 2, to.y + to.h / 2];
  const level = Math.abs(tx - fx) / (from.w + to.w) > Math.abs(ty - fy) / (from.h + to.h);
  if (level) {
    const out = tx > fx ? 1 : -1;
    const aside = out * Math.min(from.h, to.h) * 0.12;
    const [x0, x1] = [fx + (out * from.w) / 2, tx - (out * to.w) / 2];
    const pull = out * (Math.abs(x1 - x0) * 0.4 + 20);
    return { x0, y0: fy + aside, ax: x0 + pull, ay: fy + aside, bx: x1 - pull, by: ty + aside, x1, y1: ty + aside };
  }
  const out = ty > fy ? 1 : -1;
  const aside = out * Math.min(from.w, to.w) * 0.12;
  const [y0, y1] = [fy + (out * from.h) / 2, ty - (out * to.h) / 2];
  const pull = out * (Math.abs(y1 - y0) * 0.4 + 20);
  return { x0: fx + aside, y0, ax: fx + aside, ay: y0 + pull, bx: tx + aside, by: y1 - pull, x1: tx + aside, y1 };
}

/**
 * @param {Curve} curve
 * @param {number} part 0 to 1
 * @returns {[number, number]}
 */
export function pointOn({ x0, y0, ax, ay, bx, by, x1, y1 }, part) {
  const rest = 1 - part;
  const [p, q, r, s] = [rest ** 3, 3 * rest * rest * part, 3 * rest * part * part, part ** 3];
  return [p * x0 + q * ax + r * bx + s * x1, p * y0 + q * ay + r * by + s * y1];
}

/**
 * About how long it is, in the drawing's units.
 * @param {Curve} curve
 */
export function lengthOf({ x0, y0, ax, ay, bx, by, x1, y1 }) {
  const direct = Math.hypot(x1 - x0, y1 - y0);
  return (direct + Math.hypot(ax - x0, ay - y0) + Math.hypot(bx - ax, by - ay) +
    Math.hypot(x1 - bx, y1 - by)) / 2;
}

/**
 * The place of a microservice in its node's card.
 * @param {Box} card
 * @param {number} row counted from 0
 * @param {{top: number, chip: number}} measures
 * @returns {Box}
 */
export const chipBox = (card, row, { top, chip }) =>
  ({ x: card.x + 10, y: card.y + top + row * chip, w: card.w - 20, h: chip - 4 });

/**
 * Each wire of these routes by itself; one that stays in a box is left out.
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
      if (!a || !b || (a.x === b.x && a.y === b.y)) continue;
      const key = `${a.x},${a.y},${b.x},${b.y}`;
      const shift = taken.get(key) ?? 0;
      taken.set(key, shift + 1);
      drawn.push({ path, curve: to.node === '' ? upwards(a, b) : sideways(a, b, shift) });
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
      else bundles.set(pair, { from, to, paths: [path], curve: to === '' ? upwards(a, b) : facing(a, b) });
    }
  }
  return [...bundles.values()];
}
