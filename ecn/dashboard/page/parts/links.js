/** Links to things by their ids, and small words about them: for tables and lists. */

import { html, nothing } from '../core/html.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind } from '../core/types.js' */

/** @type {Partial<Record<Kind, string>>} the paths of those whose kind is written otherwise */
const PATHS = { catalog_items: 'catalog-items', edge_resources: 'edge-resources' };

/**
 * @param {App} app
 * @param {Kind} kind
 * @param {{id: string, name: string, application_id?: string}} row
 */
export const hrefOf = (app, kind, row) =>
  app.location.href(PATHS[kind] ?? kind, app.model.nameOf(kind, row).split('/'));

/**
 * @param {App} app
 * @param {Kind} kind
 * @param {string | undefined} id
 * @param {string} [otherwise] where it is not there
 */
export function linkTo(app, kind, id, otherwise = '–') {
  const row = id === undefined ? undefined : app.model.rows[kind].get(id);
  if (!row) return html`<span class="quiet">${otherwise}</span>`;
  return html`<a href=${hrefOf(app, kind, row)}>${app.model.nameOf(kind, row)}</a>`;
}

/**
 * By name, as documents have it.
 * @param {App} app
 * @param {string} view
 * @param {string | null | undefined} name
 */
export const linkByName = (app, view, name) =>
  (name ? html`<a href=${app.location.href(view, name.split('/'))}>${name}</a>` : html`<span class="quiet">–</span>`);

/**
 * @param {Record<string, string> | undefined} labels
 * @returns {string[]} `key=value`, by key
 */
export const labelTexts = (labels = {}) =>
  Object.entries(labels).map(([key, value]) => `${key}=${value}`).sort();

/** @param {readonly string[]} texts */
export const tokens = (texts) =>
  (texts.length ? html`<span class="tokens">${texts.map((each) => html`<span class="token">${each}</span>`)}</span>`
    : nothing);
