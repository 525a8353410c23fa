/** What a concern is, and the words and groups that concerns are made of. Pure: for attention.js. */

/** @import { Flow, Kind, Microservice, Rows } from './types.js' */

/**
 * @typedef {object} Seen the part of the model that is looked at
 * @property {{[K in Kind]: Map<string, Rows[K]>}} rows
 * @property {Map<string, Microservice[]>} byNode
 * @property {Map<string, Flow>} flows
 * @property {{state: string, reason?: string}} interiorRouter
 * @property {(kind: Kind, row: any) => string} nameOf
 */

/**
 * @typedef {object} Concern
 * @property {string} key of its own
 * @property {'bad' | 'warn'} tone
 * @property {string} state a word for its badge
 * @property {string} what a short sentence
 * @property {string} detail why, or what it means; '' where nothing is known
 * @property {string} [since] RFC 3339; of several, of the last
 * @property {{view: string, rest?: string[], filters?: Record<string, string>}} [to] where to look
 * @property {number} rank the lower, the worse
 * @property {number} size how many things it is about
 */

/** More than these of a kind are told together. */
export const FEW = 3;

/**
 * @param {number} amount
 * @param {string} of in the singular
 */
export const many = (amount, of) => `${amount.toLocaleString()} ${of}${amount === 1 ? '' : 's'}`;

/** @param {...string} parts */
export const sentences = (...parts) => parts.filter(Boolean).join('; ');

/** @param {readonly string[]} times */
export const latest = (times) => times.reduce((last, each) => (each > last ? each : last), '');

/**
 * The reason that most of them have: its first part, for times and places differ.
 * @param {readonly string[]} reasons
 */
export function mostly(reasons) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const reason of reasons) add(counts, reason.split('; ')[0] ?? '');
  counts.delete('');
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  if (!most) return '';
  return most[1] === reasons.length ? most[0] : `mostly: ${most[0]}`;
}

/**
 * @param {Map<string, number>} counts
 * @param {string} key
 */
export const add = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);

/**
 * @template T
 * @param {Iterable<T>} things
 * @param {(thing: T) => string} by
 * @returns {Map<string, T[]>}
 */
export function groupsOf(things, by) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const thing of things) {
    const key = by(thing);
    const group = groups.get(key);
    if (group) group.push(thing);
    else groups.set(key, [thing]);
  }
  return groups;
}
