/** What is drawn at a point. Pure. */

import { detailAt, placeAt } from './camera.js';
import { CARD } from './layout.js';
import { chipBox, pointOn } from './wires.js';

/** @import { Thing } from './emphasis.js' */
/** @import { Picture } from './ink.js' */
/** @import { Box, GroupBox } from './layout.js' */
/** @import { Drawn } from './wires.js' */

/** So many pixels beside a wire are still on it. */
const REACH = 6;

/**
 * @param {Picture} picture
 * @param {readonly Drawn[]} wires
 * @param {{x: number, y: number}} point of the screen
 * @returns {Thing | null}
 */
export function thingAt(picture, wires, point) {
  const { camera, layout, network, boxes, centre } = picture;
  const at = placeAt(camera, point);
  for (const kind of /** @type {const} */ (['controller', 'router', 'upstream'])) {
    if (kind === 'router' && !centre.router) continue;
    if (inside(layout.centre[kind], at)) return { kind, id: kind };
  }
  const wire = wireAt(picture, wires, point);
  for (const [id, box] of boxes) {
    if (!inside(box, at)) continue;
    const place = network.places.get(id);
    if (!place || detailAt(camera.scale) !== 'cards') return place ? { kind: 'node', id } : null;
    const shown = place.parts.length > layout.rows ? layout.rows - 1 : place.parts.length;
    const part = place.parts.slice(0, shown).find((_, n) => inside(chipBox(box, n, CARD), at));
    if (part) return { kind: 'microservice', id: part.id };
    return wire ?? { kind: 'node', id };
  }
  return wire;
}

/**
 * The group whose header or ground is at a point.
 * @param {Picture} picture
 * @param {{x: number, y: number}} point of the screen
 * @returns {GroupBox | undefined}
 */
export function groupAt({ camera, layout }, point) {
  const at = placeAt(camera, point);
  return layout.groups.find((each) => each.header > 0 && inside(each, at));
}

/**
 * @param {Picture} picture
 * @param {readonly Drawn[]} wires
 * @param {{x: number, y: number}} point
 * @returns {Thing | null}
 */
function wireAt({ camera }, wires, point) {
  const at = placeAt(camera, point);
  const reach = (REACH / camera.scale) ** 2;
  for (const { path, curve } of wires) {
    let [x0, y0] = [curve.x0, curve.y0];
    for (let n = 1; n <= 12; n += 1) {
      const [x1, y1] = pointOn(curve, n / 12);
      if (apart(at, x0, y0, x1, y1) < reach) return { kind: 'route', id: path.id };
      [x0, y0] = [x1, y1];
    }
  }
  return null;
}

/**
 * The square of how far a point is from a straight line between two.
 * @param {{x: number, y: number}} at
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function apart(at, x0, y0, x1, y1) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = ((at.x - x0) * dx + (at.y - y0) * dy) / (dx * dx + dy * dy || 1);
  const part = Math.min(1, Math.max(0, along));
  return (x0 + part * dx - at.x) ** 2 + (y0 + part * dy - at.y) ** 2;
}

/**
 * @param {Box} box
 * @param {{x: number, y: number}} at
 */
const inside = (box, at) =>
  at.x >= box.x && at.x <= box.x + box.w && at.y >= box.y && at.y <= box.y + box.h;
