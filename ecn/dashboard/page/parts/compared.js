/** Both sides of a twin, property by property. Pure. */

import { keysOf, pointerTo } from './value.js';

/**
 * @typedef {object} Property
 * @property {string} path JSON pointer
 * @property {unknown} desired undefined: it has none
 * @property {unknown} reported
 * @property {boolean} differs something is desired, and not so reported
 */

/**
 * Both sides by property: each that is no object itself on either side. Pure.
 * @param {Record<string, unknown>} desired
 * @param {Record<string, unknown>} reported
 * @returns {Property[]} by path
 */
export function compared(desired, reported) {
  const paths = new Set([...leaves(desired), ...leaves(reported)]);
  return [...paths].sort().map((path) => {
    const [one, other] = [at(desired, path), at(reported, path)];
    return { path, desired: one, reported: other, differs: one !== undefined && !same(one, other) };
  }).filter((each) => each.desired !== undefined || each.reported !== undefined);
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} [above]
 * @returns {string[]} JSON pointers
 */
function leaves(object, above = '') {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = above + pointerTo([key]);
    return isObject(value) && Object.keys(value).length ? leaves(value, path) : [path];
  });
}

/**
 * @param {unknown} object
 * @param {string} path
 * @returns {unknown} undefined: there is none
 */
function at(object, path) {
  let found = object;
  for (const key of keysOf(path)) {
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined;
    found = found[key];
  }
  return found;
}

/**
 * Whatever the order of their keys.
 * @param {unknown} one
 * @param {unknown} other
 * @returns {boolean}
 */
function same(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => same(each, other[index]));
  }
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one);
    return keys.length === Object.keys(other).length &&
      keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
  }
  return one === other;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
