/** Which part of the drawing is seen, and how near. Pure. A point of the screen is (place - corner) * scale. */

/** @import { Box } from './layout.js' */

/** @typedef {{x: number, y: number, scale: number}} Camera the place at the upper left corner */
/** @typedef {{w: number, h: number}} Size pixels of CSS */
/** @typedef {'tiles' | 'names' | 'cards'} Detail */

const NEAREST = 2.5;
const FURTHEST = 0.01;
/** A small network is not blown up beyond this to fill the room. */
const FITTED_AT_MOST = 1.15;

/**
 * How much is shown of a node when it is that near.
 * @param {number} scale
 * @returns {Detail}
 */
export function detailAt(scale) {
  if (scale < 0.22) return 'tiles';
  return scale < 0.5 ? 'names' : 'cards';
}

/**
 * All of a box, in the middle.
 * @param {Box} box
 * @param {Size} size
 * @param {number} margin pixels
 * @param {number} [most] no nearer than this
 * @returns {Camera}
 */
export function fitted(box, size, margin, most = FITTED_AT_MOST) {
  const scale = within(Math.min(
    (size.w - 2 * margin) / Math.max(1, box.w),
    (size.h - 2 * margin) / Math.max(1, box.h),
  ), FURTHEST, most);
  const spare = size.h / scale - box.h;
  return {
    x: box.x - (size.w / scale - box.w) / 2,
    // What does not fill the height stands nearer to the top: that is where reading begins.
    y: box.y - (spare > 4 * margin ? Math.max(margin / scale, spare * 0.32) : spare / 2),
    scale,
  };
}

/**
 * Nearer or further, with the place under a point of the screen staying there.
 * @param {Camera} camera
 * @param {number} factor
 * @param {{x: number, y: number}} point
 * @returns {Camera}
 */
export function zoomed(camera, factor, point) {
  const scale = within(camera.scale * factor, FURTHEST, NEAREST);
  return {
    x: camera.x + point.x / camera.scale - point.x / scale,
    y: camera.y + point.y / camera.scale - point.y / scale,
    scale,
  };
}

/**
 * Moved by pixels, but never so far that nothing is left to be seen.
 * @param {Camera} camera
 * @param {number} dx
 * @param {number} dy
 * @param {Box} bounds
 * @param {Size} size
 * @returns {Camera}
 */
export function panned(camera, dx, dy, bounds, size) {
  const { scale } = camera;
  const keepX = Math.min(bounds.w, (size.w * 0.4) / scale);
  const keepY = Math.min(bounds.h, (size.h * 0.4) / scale);
  return {
    x: within(camera.x + dx / scale, bounds.x + keepX - size.w / scale, bounds.x + bounds.w - keepX),
    y: within(camera.y + dy / scale, bounds.y + keepY - size.h / scale, bounds.y + bounds.h - keepY),
    scale,
  };
}

/**
 * Moved as little as is needed to see a box; nearer, if it could not be read.
 * @param {Camera} camera
 * @param {Box} box
 * @param {Size} size
 * @param {number} margin pixels
 * @param {number} least the scale it is to be seen at, at least
 * @param {Size} [covered] pixels at the right and at the lower edge that something lies over
 * @returns {Camera}
 */
export function showing(camera, box, size, margin, least, covered = { w: 0, h: 0 }) {
  const room = { w: size.w - covered.w, h: size.h - covered.h };
  if (camera.scale < least) {
    const scale = least;
    return {
      x: box.x + box.w / 2 - room.w / 2 / scale,
      y: box.y + box.h / 2 - room.h / 2 / scale,
      scale,
    };
  }
  const edge = margin / camera.scale;
  const w = room.w / camera.scale;
  const h = room.h / camera.scale;
  return {
    x: within(camera.x, Math.min(box.x + box.w + edge - w, box.x - edge), box.x - edge),
    y: within(camera.y, Math.min(box.y + box.h + edge - h, box.y - edge), box.y - edge),
    scale: camera.scale,
  };
}

/**
 * Between two, on the way from one to the other.
 * @param {Camera} from
 * @param {Camera} to
 * @param {number} part 0 to 1
 * @returns {Camera}
 */
export function between(from, to, part) {
  if (part >= 1) return to;
  const eased = 1 - (1 - part) ** 3;
  // The scale goes by factors, and the corner with it, so that the way there is straight.
  const scale = from.scale * (to.scale / from.scale) ** eased;
  const done = Math.abs(to.scale / from.scale - 1) < 1e-6 ? eased
    : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return { x: from.x + (to.x - from.x) * done, y: from.y + (to.y - from.y) * done, scale };
}

/**
 * @param {Camera} camera
 * @param {{x: number, y: number}} point of the screen
 */
export const placeAt = (camera, point) =>
  ({ x: camera.x + point.x / camera.scale, y: camera.y + point.y / camera.scale });

/**
 * @param {Camera} camera
 * @param {Size} size
 * @returns {Box} what is seen
 */
export const seen = (camera, size) =>
  ({ x: camera.x, y: camera.y, w: size.w / camera.scale, h: size.h / camera.scale });

/**
 * @param {Box} a
 * @param {Box} b
 */
export const overlap = (a, b) =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most wins where it is below `least`
 */
function within(value, least, most) {
  return Math.min(most, Math.max(least, value));
}
