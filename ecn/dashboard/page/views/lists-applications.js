/** All applications. */

import { html } from '../core/html.js';
import { conditionOf, FAILING } from '../core/condition.js';
import { deployButton } from '../acts/index.js';
import { hrefOf, labelTexts, tokens } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */
/** @import { Application } from '../core/types.js' */
/** @import { Facet } from '../core/facets.js' */

/** @type {Facet<Application>[]} */
const FACETS = [
  { key: 'state', title: 'State', chips: true, values: (row) => [row.state],
    order: ['running', 'progressing', 'stopped', 'failing'] },
  { key: 'label', title: 'Label', values: (row) => labelTexts(row.labels) },
];

/** @param {App} app */
export function applications(app) {
  const { model } = app;
  const rows = model.derived('applications as a list', () => [...model.rows.applications.values()]);
  const members = (/** @type {Application} */ row) => model.byApplication.get(row.id) ?? [];
  const failing = (/** @type {Application} */ row) => members(row).filter((each) =>
    FAILING.includes(conditionOf(each, model.rows.nodes.get(each.node_id)))).length;
  const running = (/** @type {Application} */ row) =>
    members(row).filter((each) => conditionOf(each, model.rows.nodes.get(each.node_id)) === 'running').length;
  const places = (/** @type {Application} */ row) => new Set(members(row).map((each) => each.node_id)).size;
  const routes = model.derived('routes of applications', () => {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const each of model.rows.routes.values()) {
      counts.set(each.application_id, (counts.get(each.application_id) ?? 0) + 1);
    }
    return counts;
  });
  return listing(app, {
    title: 'Applications', of: 'applications', rows, stamp: String(model.version),
    key: (row) => row.id,
    text: (row) => `${row.name} ${row.description ?? ''} ${labelTexts(row.labels).join(' ')}`,
    facets: FACETS,
    sort: 'name',
    href: (row) => hrefOf(app, 'applications', row),
    acts: deployButton(app),
    columns: [
      { key: 'name', title: 'Application', width: 14, sort: (row) => row.name,
        cell: (row) => html`<a href=${hrefOf(app, 'applications', row)}>${row.name}</a>` },
      { key: 'state', title: 'State', width: 8, sort: (row) => row.state, cell: (row) => stateBadge(row.state) },
      { key: 'running', title: 'Running', width: 7, number: true, sort: running,
        cell: (row) => html`${running(row)} <span class="quiet">of ${members(row).length}</span>` },
      { key: 'failing', title: 'Failing', width: 6, number: true, sort: failing,
        cell: (row) => failing(row) || html`<span class="quiet">–</span>` },
      { key: 'nodes', title: 'Nodes', width: 6, number: true, sort: places, cell: places },
      { key: 'routes', title: 'Routes', width: 6, number: true, sort: (row) => routes.get(row.id) ?? 0,
        cell: (row) => routes.get(row.id) ?? html`<span class="quiet">–</span>` },
      { key: 'changed', title: 'Changed', width: 8, sort: (row) => -Date.parse(row.updated_at),
        cell: (row) => when(app, row.updated_at) },
      { key: 'labels', title: 'Labels', width: 12, cell: (row) => tokens(labelTexts(row.labels)) },
      { key: 'description', title: 'Description', width: 16, sort: (row) => row.description, cell: (row) => row.description ?? '' },
    ],
    empty: nothingYet({
      title: 'No applications yet',
      what: 'An application is a set of microservices, and the routes between them, in one manifest.',
      commands: ['ecn deploy -f shop.yaml'], button: deployButton(app),
    }),
  });
}
