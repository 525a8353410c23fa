/** One thing of any other kind: registries, catalog items, templates, edge resources, volumes, the network. */

import { html, nothing } from '../core/html.js';
import { actsOf } from '../acts/index.js';
import { absent } from '../parts/absent.js';
import { blame } from '../parts/blame.js';
import { command } from '../parts/command.js';
import { card, details } from '../parts/details.js';
import { facts, fields, label, value } from '../parts/fields.js';
import { history } from '../parts/history.js';
import { json } from '../parts/json.js';
import { why } from '../parts/why.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind, Thing } from '../core/types.js' */

/** @typedef {'registries' | 'catalog_items' | 'templates' | 'edge_resources' | 'volumes' | 'network'} OtherKind */

/**
 * @typedef {object} Sort
 * @property {OtherKind} kind
 * @property {string} subject its kind in the log
 * @property {string} title of its list
 * @property {string} word for one
 */

/** @type {Record<string, Sort>} */
const SORTS = {
  registries: { kind: 'registries', subject: 'registry', title: 'Registries', word: 'Registry' },
  'catalog-items': { kind: 'catalog_items', subject: 'catalog-item', title: 'Catalog items', word: 'Catalog item' },
  templates: { kind: 'templates', subject: 'template', title: 'Templates', word: 'Template' },
  'edge-resources': { kind: 'edge_resources', subject: 'edge-resource', title: 'Edge resources', word: 'Edge resource' },
  volumes: { kind: 'volumes', subject: 'volume', title: 'Volumes', word: 'Volume' },
  network: { kind: 'network', subject: 'network', title: 'Network', word: 'Network' },
};

/** Fields that are told elsewhere on the page, or not for people. */
const SKIPPED = ['id', 'name', 'position', 'stale', 'created_at', 'updated_at', 'created_by', 'seeded', 'nodes', 'microservices'];

/**
 * @param {App} app
 * @param {string} path of its list
 * @param {string[]} rest its name
 */
export function thing(app, path, rest) {
  const sort = SORTS[path];
  const name = rest.join('/');
  if (!sort) return html`<h1>${name}</h1>`;
  const row = found(app, sort.kind, name);
  if (!row) return absent(app, { path, title: sort.title, kind: sort.subject, name });
  const subject = `${sort.subject}/${row.id}`;
  const named = app.model.nameOf(sort.kind, row);
  const whole = sort.kind === 'network';
  const seeded = row['seeded'] === true && !row['updated_at'];
  const document = whole ? /** @type {Record<string, unknown>} */ (row['settings'] ?? {}) : row;
  return details(app, {
    above: whole ? [] : [{ text: sort.title, href: app.location.href(path) }],
    kind: sort.word,
    name: named,
    acts: actsOf(app, /** @type {Kind} */ (sort.kind), row),
    lead: document['description'],
  }, [
    {
      key: '',
      title: 'Overview',
      show: () => html`<div class="details-cards">
        ${card(sort.word, fields(app, document, { skip: [...SKIPPED, 'description', ...long(document)] }))}
        ${users(app, row)}
        ${card('When', facts([
          ['Created', row['created_at'] ? value(app, row['created_at']) : ''],
          ['By', row['created_by']],
          ['Changed', row['updated_at'] ? value(app, row['updated_at']) : ''],
        ], seeded ? html`<p class="quiet">It is there from the beginning.</p>` : nothing))}
      </div>${long(document).map((key) => card(label(key), value(app, document[key])))}
      ${command(app, ['describe', sort.subject, ...(whole ? [] : [named])])}`,
    },
    { key: 'document', title: 'Document', show: () => card('Document', json(document, 'the document')) },
    ...(seeded || whole ? [] : [{
      key: 'why',
      title: 'Why',
      show: () => html`${card('Why it is so', why(app, subject))}${command(app, ['why', `${sort.subject}/${named}`])}
        ${card('Who set it', blame(app, subject))}${command(app, ['blame', `${sort.subject}/${named}`])}`,
    }]),
    ...(seeded ? [] : [{
      key: 'history',
      title: 'History',
      show: () => html`${card('History', history(app, whole ? 'network' : subject))}
        ${command(app, ['audit', '--subject', whole ? 'network' : `${sort.subject}/${named}`, '--all'])}`,
    }]),
  ]);
}

/**
 * By its name, by its id, or by a name that lacks its version.
 * @param {App} app
 * @param {OtherKind} kind
 * @param {string} name
 * @returns {Thing | undefined}
 */
function found({ model }, kind, name) {
  const rows = [...model.rows[kind].values()];
  if (kind === 'network') return rows[0];
  return model.find(kind, name) ?? rows.find((row) => row.name === name);
}

/**
 * The fields that need a card of their own.
 * @param {Record<string, unknown>} document
 */
const long = (document) => Object.entries(document)
  .filter(([key, each]) => !SKIPPED.includes(key) && typeof each === 'object' && each !== null &&
    Object.keys(each).length > 0 && JSON.stringify(each).length > 80)
  .map(([key]) => key);

/**
 * Who uses it, where that is known.
 * @param {App} app
 * @param {Thing} row
 */
function users({ location }, row) {
  const nodes = names(row['nodes']);
  const microservices = names(row['microservices']);
  const number = typeof row['microservices'] === 'number' ? row['microservices'] : undefined;
  if (!nodes && !microservices && number === undefined) return nothing;
  return card('Used by', facts([
    ['Nodes', nodes?.length ? html`<ul class="values">${nodes.map((each) =>
      html`<li><a href=${location.href('nodes', [each])}>${each}</a></li>`)}</ul>` : nodes ? 'none' : ''],
    ['Microservices', microservices?.length ? html`<ul class="values">${microservices.map((each) =>
      html`<li><a href=${location.href('microservices', each.split('/'))}>${each}</a></li>`)}</ul>`
      : microservices ? 'none' : number],
  ]));
}

/** @param {unknown} list @returns {string[] | undefined} */
const names = (list) => Array.isArray(list) ? list.map(String) : undefined;
