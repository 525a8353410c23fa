/** All routes: from where, to where, and how messages flow. */

import { html } from '../core/html.js';
import { count, rate } from '../core/format.js';
import { stampOf } from '../core/kept.js';
import { deployButton } from '../acts/index.js';
import { hrefOf, linkTo } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';

/** @import { App } from '../core/app.js' */
/** @import { Flow, Route } from '../core/types.js' */
/** @import { Column } from '../parts/table.js' */

const STATES = ['up', 'waiting', 'refusing', 'unknown'];

/** @param {App} app */
export function routes(app) {
  const { model } = app;
  const flow = (/** @type {Route} */ row) => model.flows.get(row.id);
  return listing(app, {
    title: 'Routes', of: 'routes', stamp: stampOf(model),
    rows: model.derived('routes as a list', () => [...model.rows.routes.values()]),
    key: (row) => row.id,
    text: (row) => `${model.nameOf('routes', row)} ${row.condition ?? ''} ${row.webhook ?? ''} ${
      flow(row)?.state ?? ''} ${flow(row)?.reason ?? ''} ${[row.source_id, row.destination_id].map((id) =>
      (id ? model.rows.microservices.get(id)?.name : '')).join(' ')}`,
    facets: [
      { key: 'state', title: 'State', chips: true, order: STATES,
        values: (row) => (app.moment.live ? [flow(row)?.state ?? 'unknown'] : []) },
      { key: 'application', title: 'Application',
        values: (row) => [model.rows.applications.get(row.application_id)?.name ?? row.application_id] },
      { key: 'to', title: 'Destination', values: (row) => [row.destination_id ? 'microservice'
        : row.webhook ? 'webhook' : 'upstream'] },
    ],
    sort: 'name',
    href: (row) => hrefOf(app, 'routes', row),
    acts: deployButton(app),
    columns: columns(app, flow),
    empty: nothingYet({
      title: 'No routes yet',
      what: 'A route leads messages from one microservice to another, or to your own programs.',
      commands: ['ecn create route shop/orders --from web --to ledger'],
      button: deployButton(app),
    }),
  });
}

/**
 * @param {App} app
 * @param {(row: Route) => Flow | undefined} flow
 * @returns {Column<Route>[]}
 */
function columns(app, flow) {
  const { model } = app;
  const amount = (/** @type {number | undefined} */ value, written = count) =>
    (value ? written(value) : html`<span class="quiet">${value === undefined ? '–' : '0'}</span>`);
  /** @type {Column<Route>[]} */
  const what = [
    { key: 'name', title: 'Route', width: 12, sort: (row) => model.nameOf('routes', row),
      cell: (row) => html`<a href=${hrefOf(app, 'routes', row)}><span class="of">${
        model.rows.applications.get(row.application_id)?.name}/</span>${row.name}</a>` },
    { key: 'from', title: 'From', width: 10, sort: (row) => end(app, row.source_id, 'any'),
      cell: (row) => linkTo(app, 'microservices', row.source_id, 'any of it') },
    { key: 'to', title: 'To', width: 10, sort: (row) => end(app, row.destination_id, 'upstream'),
      cell: (row) => linkTo(app, 'microservices', row.destination_id, row.webhook ? 'webhook' : 'upstream') },
  ];
  /** @type {Column<Route>[]} */
  const condition = [
    { key: 'condition', title: 'Condition', width: 14, sort: (row) => row.condition,
      cell: (row) => (row.condition ? html`<code>${row.condition}</code>` : html`<span class="quiet">always</span>`) },
    { key: 'priority', title: 'Priority', width: 6, number: true, sort: (row) => row.priority ?? undefined,
      cell: (row) => row.priority ?? html`<span class="quiet">–</span>` },
  ];
  if (!app.moment.live) return [...what, ...condition];
  return [
    ...what,
    { key: 'state', title: 'State', width: 8, sort: (row) => STATES.indexOf(flow(row)?.state ?? 'unknown'),
      cell: (row) => stateBadge(flow(row)?.state ?? 'unknown') },
    { key: 'stored', title: 'Stored', width: 5.5, number: true, sort: (row) => flow(row)?.stored, cell: (row) => amount(flow(row)?.stored) },
    { key: 'in', title: 'In', width: 5, number: true, sort: (row) => flow(row)?.rate_in, cell: (row) => amount(flow(row)?.rate_in, rate) },
    { key: 'out', title: 'Out', width: 5, number: true, sort: (row) => flow(row)?.rate_out, cell: (row) => amount(flow(row)?.rate_out, rate) },
    { key: 'dropped', title: 'Dropped', width: 6, number: true, sort: (row) => flow(row)?.dropped, cell: (row) => amount(flow(row)?.dropped) },
    { key: 'reason', title: 'Why', width: 14, sort: (row) => flow(row)?.reason, cell: (row) => flow(row)?.reason ?? '' },
    ...condition,
  ];
}

/**
 * @param {App} app
 * @param {string | undefined} id
 * @param {string} otherwise
 */
const end = (app, id, otherwise) =>
  (id ? app.model.rows.microservices.get(id)?.name : undefined) ?? otherwise;
