/** What the API and people call the things that acts are about. Pure. */

/** @import { Kind } from '../core/types.js' */

/** @type {Record<Exclude<Kind, 'network'>, {word: string, path: string, one: string}>} word: in subjects */
const KINDS = {
  nodes: { word: 'node', path: 'nodes', one: 'node' },
  applications: { word: 'application', path: 'applications', one: 'application' },
  microservices: { word: 'microservice', path: 'microservices', one: 'microservice' },
  routes: { word: 'route', path: 'routes', one: 'route' },
  registries: { word: 'registry', path: 'registries', one: 'registry' },
  catalog_items: { word: 'catalog-item', path: 'catalog-items', one: 'catalog item' },
  templates: { word: 'template', path: 'templates', one: 'template' },
  edge_resources: { word: 'edge-resource', path: 'edge-resources', one: 'edge resource' },
  volumes: { word: 'volume', path: 'volumes', one: 'volume' },
};

/** @typedef {keyof typeof KINDS} ActedOn */

/**
 * @param {Kind} kind
 * @returns {kind is ActedOn}
 */
export const isActedOn = (kind) => kind in KINDS;

/**
 * `<kind>/<id>`, as events and plans have it.
 * @param {ActedOn} kind
 * @param {string} id
 */
export const subjectOf = (kind, id) => `${KINDS[kind].word}/${id}`;

/**
 * Below /api/v1. By id: what is meant stays meant when it is renamed.
 * @param {ActedOn} kind
 * @param {string} id
 */
export const pathOf = (kind, id) => `/${KINDS[kind].path}/${encodeURIComponent(id)}`;

/** @param {ActedOn} kind in the singular, for sentences */
export const wordOf = (kind) => KINDS[kind].one;
