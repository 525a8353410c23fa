/**
 * What stands out: what was searched for, filtered, selected or pointed at, with its routes and who is
 * at their other ends. Pure.
 */

/** @import { Model } from '../core/model.js' */
/** @import { Network, Part, Path, Place, Wire } from './network.js' */

/**
 * Something that can be selected or pointed at. `key` is of a group.
 * @typedef {{kind: 'node' | 'microservice' | 'route' | 'controller' | 'router' | 'upstream', id: string}} Thing
 */

/** @typedef {{q: string, application: string, state: string}} Filters as in the URL; '': none */

/**
 * @typedef {object} Emphasis
 * @property {Set<string> | null} matches ids of nodes and microservices that fit search and filters;
 *     null: nothing is asked for
 * @property {string[]} found ids of the nodes among them
 * @property {Set<string> | null} near ids of nodes and microservices that are at the routes of what is
 *     selected or pointed at; null: it has none
 * @property {Set<string>} routes ids of those routes
 * @property {Set<string>} marked ids of what is selected or pointed at
 */

/** Needs somebody to look at it: what the filter of that name finds. */
export const ATTENTION = 'attention';

/**
 * What the URL's `sel` names.
 * @param {Model} model
 * @param {string | null} text
 * @returns {Thing | null} null: nothing, or nothing that is there now
 */
export function thingOf(model, text) {
  if (!text) return null;
  const [kind = '', ...name] = text.split('/');
  if (kind === 'controller' || kind === 'router' || kind === 'upstream') return { kind, id: kind };
  if (kind !== 'node' && kind !== 'microservice' && kind !== 'route') return null;
  const row = model.find(/** @type {const} */ (`${kind}s`), name.join('/'));
  return row ? { kind, id: row.id } : null;
}

/**
 * As the URL's `sel` names it.
 * @param {Model} model
 * @param {Thing} thing
 */
export function nameOf(model, { kind, id }) {
  if (kind === 'controller' || kind === 'router' || kind === 'upstream') return kind;
  const rows = /** @type {const} */ (`${kind}s`);
  const row = model.rows[rows].get(id);
  return row ? `${kind}/${model.nameOf(rows, row)}` : '';
}

/**
 * The routes of something.
 * @param {Network} network
 * @param {Thing} thing
 * @returns {Path[]}
 */
export function pathsOf(network, { kind, id }) {
  const at = (/** @type {string} */ node) =>
    (network.pathsAt.get(node) ?? []).flatMap((each) => network.paths.get(each) ?? []);
  switch (kind) {
    case 'node': return at(id);
    case 'upstream': return at('');
    case 'route': return [network.paths.get(id)].flatMap((each) => each ?? []);
    case 'microservice': {
      const part = network.parts.get(id);
      return part ? at(part.row.node_id).filter((path) =>
        path.wires.some((wire) => touches(wire, path, part))) : [];
    }
    default: return [];
  }
}

/**
 * @param {Network} network
 * @param {Filters} filters
 * @param {readonly (Thing | null)[]} things selected, pointed at
 * @returns {Emphasis}
 */
export function emphasis(network, filters, things) {
  /** @type {Emphasis} */
  const said = { matches: null, found: [], near: null, routes: new Set(), marked: new Set() };
  if (filters.q || filters.application || filters.state) {
    said.matches = new Set();
    for (const place of network.places.values()) search(place, filters, said.matches, said.found);
  }
  for (const thing of things) {
    if (!thing) continue;
    said.marked.add(thing.id);
    for (const path of pathsOf(network, thing)) {
      said.near ??= new Set();
      said.routes.add(path.id);
      for (const wire of path.wires) {
        if (thing.kind === 'node' && wire.from.node !== thing.id && wire.to.node !== thing.id) continue;
        const part = thing.kind === 'microservice' ? network.parts.get(thing.id) : null;
        if (part && !touches(wire, path, part)) continue;
        for (const end of [wire.from, wire.to]) {
          said.near.add(end.node);
          if (end.part) said.near.add(end.part);
          else for (const each of network.places.get(end.node)?.parts ?? []) said.near.add(each.id);
        }
      }
    }
    if (!said.near) continue;
    said.near.add(thing.id);
    const parts = thing.kind === 'node' ? network.places.get(thing.id)?.parts ?? [] : [];
    for (const each of parts) said.near.add(each.id);
  }
  return said;
}

/**
 * Whether a node or microservice is as bright as ever.
 * @param {Emphasis} said
 * @param {string} id
 */
export const isBright = (said, id) => (!said.matches || said.matches.has(id) || said.marked.has(id)) &&
  (!said.near || said.near.has(id));

/**
 * @param {Place} place
 * @param {Filters} filters
 * @param {Set<string>} matches ids that fit are put in
 * @param {string[]} found the node's, if it or something on it fits
 */
function search(place, { q, application, state }, matches, found) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (/** @type {string} */ text) => words.every((word) => text.includes(word));
  const here = fits(place.text);
  const ofNode = state === '' || state === place.row.state ||
    (state === ATTENTION && (place.tone === 'bad' || place.tone === 'warn'));
  const parts = place.parts.filter((part) =>
    (here || fits(part.text) || fits(`${place.text} ${part.text}`)) &&
    (application === '' || part.name.startsWith(`${application}/`)) &&
    (ofNode || state === part.row.state || state === part.row.health));
  if (!parts.length && !(here && ofNode && application === '')) return;
  matches.add(place.id);
  found.push(place.id);
  for (const part of parts) matches.add(part.id);
}

/**
 * Whether a wire leads from or to that microservice.
 * @param {Wire} wire
 * @param {Path} path
 * @param {Part} part
 */
function touches({ from, to }, path, part) {
  return from.part === part.id || to.part === part.id || (from.part === null &&
    from.node === part.row.node_id && path.row.application_id === part.row.application_id);
}
