/**
 * By what the drawing puts nodes together: a label, a tag, their location, application, state, or
 * nothing. Pure; asked by the drawing and by the choice above it.
 */

import { toneOf } from '../parts/tone.js';

/** @import { Node } from '../core/types.js' */

/** @typedef {{value: string, title: string}} Grouping value: as in the URL */

/** Up to that many nodes are read at a glance without being put together. */
export const FEW = 12;
/** Labels of these names say where a node is: taken before all others. */
const PLACES = ['zone', 'site', 'region', 'location', 'rack', 'room'];
const NONE = '';

/**
 * All that these nodes can be put together by.
 * @param {readonly Node[]} nodes
 * @returns {Grouping[]}
 */
export function groupings(nodes) {
  const found = [{ value: 'none', title: 'nothing: all together' }];
  for (const key of labelKeys(nodes)) found.push({ value: `label:${key}`, title: `label ${key}` });
  if (nodes.some((each) => each.location)) found.push({ value: 'location', title: 'location' });
  if (nodes.some((each) => each.tags?.length)) found.push({ value: 'tag', title: 'first tag' });
  found.push({ value: 'application', title: 'main application' }, { value: 'state', title: 'state' });
  return found;
}

/**
 * The grouping that is meant: what was asked for, if these nodes have it, else what suits their number.
 * @param {string | null} asked as in the URL
 * @param {readonly Node[]} nodes
 * @returns {string} as in the URL, never 'auto'
 */
export function chosenGrouping(asked, nodes) {
  if (asked && groupings(nodes).some((each) => each.value === asked)) return asked;
  if (nodes.length <= FEW) return 'none';
  const keys = labelKeys(nodes).filter((key) =>
    tells(nodes, (node) => node.labels?.[key] ?? NONE));
  const place = PLACES.find((name) => keys.includes(name)) ?? keys[0];
  if (place !== undefined) return `label:${place}`;
  if (tells(nodes, (node) => node.location ?? NONE)) return 'location';
  if (tells(nodes, (node) => node.tags?.[0] ?? NONE)) return 'tag';
  return nodes.length > 60 ? 'application' : 'none';
}

/**
 * In which group a node is.
 * @param {string} grouping as in the URL
 * @param {Node} node
 * @param {string} application the one that most of its microservices are of; '' where it has none
 * @returns {string} the group's name; '' for those that lack what is asked for
 */
export function groupOf(grouping, node, application) {
  if (grouping.startsWith('label:')) return node.labels?.[grouping.slice(6)] ?? NONE;
  switch (grouping) {
    case 'location': return node.location ?? NONE;
    case 'tag': return node.tags?.[0] ?? NONE;
    case 'application': return application;
    case 'state': return node.state;
    default: return NONE;
  }
}

/**
 * What to call the group of those that lack it.
 * @param {string} grouping
 */
export function restTitle(grouping) {
  if (grouping.startsWith('label:')) return `without ${grouping.slice(6)}`;
  switch (grouping) {
    case 'location': return 'without location';
    case 'tag': return 'without tag';
    case 'application': return 'nothing runs here';
    default: return 'all nodes';
  }
}

/**
 * Groups in their order: by name, numbers by their value; what is bad first among states.
 * @param {string} grouping
 * @param {string[]} names
 */
export function inOrder(grouping, names) {
  const rank = { bad: 0, warn: 1, busy: 2, idle: 3, good: 4 };
  return [...names].sort((a, b) =>
    (grouping === 'state' ? rank[toneOf(a)] - rank[toneOf(b)] : 0) ||
    Number(a === NONE) - Number(b === NONE) || byName(a, b));
}

const collator = new Intl.Collator('en', { numeric: true });

/** Names as people sort them: edge-9 before edge-10. */
export const byName = (/** @type {string} */ a, /** @type {string} */ b) =>
  collator.compare(a, b) || (a < b ? -1 : Number(a > b));

/** @param {readonly Node[]} nodes */
function labelKeys(nodes) {
  const keys = new Set(nodes.flatMap((each) => Object.keys(each.labels ?? {})));
  return [...keys].sort(byName);
}

/**
 * Whether groups made of it would say something: most nodes have it, and it is neither one for all
 * nor another one for each.
 * @param {readonly Node[]} nodes
 * @param {(node: Node) => string} value
 */
function tells(nodes, value) {
  const values = nodes.map(value).filter((each) => each !== NONE);
  const kinds = new Set(values).size;
  return values.length * 2 >= nodes.length && kinds >= 2 && kinds <= Math.min(64, nodes.length / 3);
}
