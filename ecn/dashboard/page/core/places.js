/** Everything that one can go to by its name, and which of it a text means. Pure. */

/** @import { Model } from './model.js' */
/** @import { Kind } from './types.js' */

/** @typedef {{kind: string, name: string, view: string, rest: string[]}} Place */

/** @type {readonly {kind: Kind, called: string, view: string}[]} */
const KINDS = [
  { kind: 'nodes', called: 'node', view: 'nodes' },
  { kind: 'applications', called: 'application', view: 'applications' },
  { kind: 'microservices', called: 'microservice', view: 'microservices' },
  { kind: 'routes', called: 'route', view: 'routes' },
  { kind: 'registries', called: 'registry', view: 'registries' },
  { kind: 'catalog_items', called: 'catalog item', view: 'catalog-items' },
  { kind: 'templates', called: 'template', view: 'templates' },
  { kind: 'edge_resources', called: 'edge resource', view: 'edge-resources' },
  { kind: 'volumes', called: 'volume', view: 'volumes' },
];

/** @param {Model} model @returns {Place[]} */
export const placesOf = (model) => model.derived('places', () => KINDS.flatMap(({ kind, called, view }) =>
  [...model.rows[kind].values()].map((row) => {
    const name = model.nameOf(kind, row);
    return { kind: called, name, view, rest: name.split('/') };
  })));

/**
 * The places that are meant most likely, the best first.
 * @param {readonly Place[]} places
 * @param {string} text each of its words has to be in the name or the kind
 * @param {number} most
 * @returns {{found: Place[], all: number}} at most so many, and how many there are
 */
export function meant(places, text, most) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  /** @type {{place: Place, rank: number, index: number}[]} */
  const found = [];
  places.forEach((place, index) => {
    const name = place.name.toLowerCase();
    let rank = 0;
    for (const word of words) {
      const of = rankOf(name, word);
      if (of < 0 && !place.kind.startsWith(word)) return;
      rank += of < 0 ? 2 : of;
    }
    found.push({ place, rank, index });
  });
  found.sort((a, b) => a.rank - b.rank || a.place.name.length - b.place.name.length || a.index - b.index);
  return { found: found.slice(0, most).map((each) => each.place), all: found.length };
}

/**
 * @param {string} name
 * @param {string} word
 * @returns {number} 0: it is the name, 1: it begins with it, 2: a part of it does, 3: it has it; -1: not
 */
function rankOf(name, word) {
  if (name === word) return 0;
  const at = name.indexOf(word);
  if (at <= 0) return at < 0 ? -1 : 1;
  return /[^\p{L}\p{N}]/u.test(name[at - 1] ?? '') ? 2 : 3;
}
