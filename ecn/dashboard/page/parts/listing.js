/** A view that is a list: heading, filters, table. Each view/lists-*.js says what is in it. */

import { html, nothing } from '../core/html.js';
import { asked, counted, matching } from '../core/facets.js';
import { kept } from '../core/kept.js';
import { filters } from './filter.js';
import { table } from './table.js';

/** @import { App } from '../core/app.js' */
/** @import { Facet } from '../core/facets.js' */
/** @import { Column } from './table.js' */

/**
 * @template R
 * @typedef {object} Listing
 * @property {string} title
 * @property {string} of what is listed, in the plural, in a sentence
 * @property {readonly R[]} rows all of them
 * @property {string} stamp another one whenever rows, or what is shown of them, may be others
 * @property {(row: R) => string} key
 * @property {(row: R) => string} text that words are looked for in
 * @property {readonly Facet<R>[]} [facets]
 * @property {readonly Column<R>[]} columns
 * @property {string} [sort]
 * @property {(row: R) => string} [href]
 * @property {unknown} empty where there is none at all
 * @property {unknown} [acts] beside the heading
 * @property {unknown} [note] below the heading
 */

/**
 * @template R
 * @param {App} app
 * @param {Listing<R>} list
 */
export function listing(app, list) {
  const facets = list.facets ?? [];
  const wanted = asked(facets, app.location.query);
  const shown = kept(app.model, `rows of ${list.title}`, `${list.stamp} ${JSON.stringify(wanted)}`,
    () => matching(list.rows, facets, wanted, list.text));
  const offered = kept(app.model, `facets of ${list.title}`, `${list.stamp} ${JSON.stringify(wanted)}`,
    () => facets.map((facet) => ({ facet, values: counted(list.rows, facet, wanted[facet.key]) })));
  return html`
    <div class="row apart list-head"><h1>${list.title}</h1>
      <div class="row">${list.acts ?? nothing}</div></div>
    ${list.note ?? nothing}
    ${list.rows.length === 0 ? list.empty : html`
      ${filters(app, { of: list.of, facets: offered, asked: wanted, shown: shown.length, all: list.rows.length })}
      ${table(app, {
        caption: list.title, columns: list.columns, rows: shown, key: list.key,
        ...(list.sort ? { sort: list.sort } : {}), ...(list.href ? { href: list.href } : {}),
        empty: html`<p class="card quiet nothing-found">No ${list.of} match these filters.</p>`,
      })}`}`;
}
