/** What microservices are made of and use: registries, catalog items, templates, edge resources, volumes. */

import { html } from '../core/html.js';
import { bytes } from '../core/format.js';
import { hrefOf, tokens } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { when } from '../parts/time.js';
import { deployButton } from '../acts/index.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind, Thing } from '../core/types.js' */
/** @import { Facet } from '../core/facets.js' */
/** @import { Column } from '../parts/table.js' */

/**
 * @typedef {object} Source
 * @property {Kind} kind
 * @property {string} title
 * @property {string} of
 * @property {Column<Thing>[]} columns between the name and when it changed
 * @property {string[]} text fields that words are looked for in
 * @property {Facet<Thing>[]} [facets]
 * @property {string} what
 * @property {string} command
 */

const quiet = html`<span class="quiet">–</span>`;
/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : '');
/** @param {unknown} value @returns {string[]} */
const texts = (value) => (Array.isArray(value) ? value.map(String) : []);
/** @param {unknown} value */
const number = (value) => (typeof value === 'number' ? value : 0);
/** @param {Thing} row */
const fileBytes = (row) => (Array.isArray(row['files']) ? row['files'] : [])
  .reduce((sum, each) => sum + number(each?.size), 0);
/** @param {Thing} row */
const files = (row) => (Array.isArray(row['files']) ? row['files'].length : 0);

/**
 * @param {string} key
 * @param {string} title
 * @param {number} width
 * @returns {Column<Thing>} of a text
 */
const plain = (key, title, width) => ({ key, title, width, sort: (row) => text(row[key]), cell: (row) => text(row[key]) || quiet });

/**
 * @param {string} key
 * @param {string} title
 * @returns {Column<Thing>} of how many there are
 */
const amount = (key, title) => ({ key, title, width: 7, number: true,
  sort: (row) => (Array.isArray(row[key]) ? row[key].length : number(row[key])),
  cell: (row) => (Array.isArray(row[key]) ? row[key].length : number(row[key])) || quiet });

/**
 * @param {string} key
 * @param {string} title
 * @param {string} word
 * @returns {Column<Thing>}
 */
const yes = (key, title, word) => ({ key, title, width: 7, sort: (row) => (row[key] ? word : ''), cell: (row) => (row[key] ? word : quiet) });

/** @type {Source} */
const REGISTRIES = {
  kind: 'registries', title: 'Registries', of: 'registries',
  text: ['url', 'username'],
  columns: [plain('url', 'URL', 16), plain('username', 'User', 8), yes('has_password', 'Password', 'sealed'),
    yes('public', 'Public', 'public'), yes('secure', 'TLS', 'yes')],
  what: 'A registry is where devices pull images from, with the name and password that it asks for.',
  command: 'ecn deploy -f registry.yaml',
};

/** @type {Source} */
const CATALOG = {
  kind: 'catalog_items', title: 'Catalog', of: 'catalog items',
  text: ['description', 'category', 'publisher', 'registry'],
  facets: [
    { key: 'category', title: 'Category', values: (row) => (text(row['category']) ? [text(row['category'])] : []) },
    { key: 'origin', title: 'Origin', chips: true, values: (row) => [row['seeded'] ? 'built in' : 'added'] },
  ],
  columns: [
    { key: 'images', title: 'Images', width: 15,
      cell: (row) => html`<code>${[...new Set(Object.values(/** @type {object} */ (row['images'] ?? {})))].join(', ')}</code>` },
    { key: 'platforms', title: 'Platforms', width: 7, cell: (row) => tokens(Object.keys(/** @type {object} */ (row['images'] ?? {}))) },
    amount('microservices', 'In use'), plain('category', 'Category', 8), plain('registry', 'Registry', 8),
    plain('description', 'Description', 16),
  ],
  what: 'A catalog item is an image for each platform, with what one has to know to use it.',
  command: 'ecn deploy -f catalog-item.yaml',
};

/** @type {Source} */
const TEMPLATES = {
  kind: 'templates', title: 'Templates', of: 'templates', text: ['description'],
  columns: [
    { key: 'variables', title: 'Variables', width: 16,
      cell: (row) => tokens((Array.isArray(row['variables']) ? row['variables'] : []).map((each) => String(each?.key))) },
    plain('description', 'Description', 18), plain('created_by', 'By', 8),
  ],
  what: 'A template is an application with gaps: variables that are filled in when one is made of it.',
  command: 'ecn deploy -f template.yaml',
};

/** @type {Source} */
const EDGE_RESOURCES = {
  kind: 'edge_resources', title: 'Edge resources', of: 'edge resources',
  text: ['version', 'description', 'protocol'],
  facets: [{ key: 'protocol', title: 'Protocol', values: (row) => (text(row['protocol']) ? [text(row['protocol'])] : []) }],
  columns: [plain('version', 'Version', 6), plain('protocol', 'Protocol', 6), amount('endpoints', 'Endpoints'),
    amount('nodes', 'Nodes'), { key: 'tags', title: 'Tags', width: 10, cell: (row) => tokens(texts(row['tags'])) },
    plain('description', 'Description', 18)],
  what: 'An edge resource is something at the edge that nodes may use: a camera, a machine, a service.',
  command: 'ecn deploy -f edge-resource.yaml',
};

/** @type {Source} */
const VOLUMES = {
  kind: 'volumes', title: 'Volumes', of: 'volumes', text: ['destination'],
  columns: [plain('destination', 'On devices at', 14),
    { key: 'files', title: 'Files', width: 6, number: true, sort: files, cell: files },
    { key: 'size', title: 'Size', width: 6.5, number: true, sort: fileBytes, cell: (row) => bytes(fileBytes(row)) },
    amount('nodes', 'Nodes'), amount('microservices', 'Mounted by'), plain('permissions', 'Permissions', 7)],
  what: 'A volume is a set of files that nodes keep, and microservices mount.',
  command: 'ecn deploy -f volume.yaml',
};

/**
 * @param {App} app
 * @param {Source} source
 */
function sources(app, { kind, title, of, text: fields, facets = [], columns, what, command }) {
  const rows = app.model.derived(`${kind} as a list`, () => /** @type {Thing[]} */ ([...app.model.rows[kind].values()]));
  return listing(app, {
    title, of, rows, facets, stamp: String(app.model.version),
    key: (row) => row.id,
    text: (row) => [row.name, ...fields.map((each) => text(row[each]))].join(' '),
    sort: 'name',
    href: (row) => hrefOf(app, kind, row),
    acts: deployButton(app),
    columns: [
      { key: 'name', title: 'Name', width: 13, sort: (row) => row.name,
        cell: (row) => html`<a href=${hrefOf(app, kind, row)}>${row.name}</a>` },
      ...columns,
      { key: 'changed', title: 'Changed', width: 8,
        sort: (row) => (row['updated_at'] ? -Date.parse(text(row['updated_at'])) : undefined),
        cell: (row) => when(app, text(row['updated_at']) || undefined) },
    ],
    empty: nothingYet({ title: `No ${of} yet`, what, commands: [command], button: deployButton(app) }),
  });
}

/** @param {App} app */
export const registries = (app) => sources(app, REGISTRIES);
/** @param {App} app */
export const catalogItems = (app) => sources(app, CATALOG);
/** @param {App} app */
export const templates = (app) => sources(app, TEMPLATES);
/** @param {App} app */
export const edgeResources = (app) => sources(app, EDGE_RESOURCES);
/** @param {App} app */
export const volumes = (app) => sources(app, VOLUMES);
