/** From one place to another, in a moment: cameras that fly, nodes that make room. Pure. */

import { between } from './camera.js';

/** @import { Camera } from './camera.js' */
/** @import { Box } from './layout.js' */

/**
 * @template T
 * @typedef {{from: T, to: T, since: number}} Move since: milliseconds, as frames have them
 */

const TAKES = 260;

/**
 * @param {Move<Camera>} move
 * @param {number} now
 * @returns {Camera} `to` itself when it is there
 */
export const flown = ({ from, to, since }, now) =>
  between(from, to, Math.max(0, (now - since) / TAKES));

/**
 * @param {Move<Map<string, Box>>} move
 * @param {number} now
 * @returns {Map<string, Box>} `to` itself when all are there; what is new stands in its place at once
 */
export function walked({ from, to, since }, now) {
  const part = Math.max(0, (now - since) / TAKES);
  if (part >= 1) return to;
  const eased = 1 - (1 - part) ** 3;
  return new Map([...to].map(([id, box]) => {
    const was = from.get(id) ?? box;
    return [id, { ...box, x: was.x + (box.x - was.x) * eased, y: was.y + (box.y - was.y) * eased }];
  }));
}
