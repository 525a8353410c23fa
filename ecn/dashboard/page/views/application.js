/** One application: its microservices and routes, why it is as it is, what happened to it. */

import { html, nothing } from '../core/html.js';
import { actsOf } from '../acts/index.js';
import { absent } from '../parts/absent.js';
import { blame } from '../parts/blame.js';
import { command } from '../parts/command.js';
import { card, details, figures } from '../parts/details.js';
import { fetched } from '../parts/document.js';
import { fields, isEmpty } from '../parts/fields.js';
import { flows } from '../parts/flow.js';
import { history } from '../parts/history.js';
import { json } from '../parts/json.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';
import { why } from '../parts/why.js';
import { containers, tally } from './containers.js';

/** @import { App } from '../core/app.js' */
/** @import { Application } from '../core/types.js' */

/**
 * @param {App} app
 * @param {string[]} rest its name
 */
export function application(app, rest) {
  const { model, location } = app;
  const row = model.find('applications', rest.join('/'));
  if (!row) {
    return absent(app, { path: 'applications', title: 'Applications', kind: 'application', name: rest.join('/') });
  }
  const subject = `application/${row.id}`;
  const own = model.byApplication.get(row.id) ?? [];
  return details(app, {
    above: [{ text: 'Applications', href: location.href('applications') }],
    kind: 'Application',
    name: row.name,
    badges: html`${stateBadge(row.state)}${row.system ? stateBadge('system', 'idle') : nothing}${
      row.started === false ? stateBadge('to be stopped', 'idle') : nothing}`,
    acts: actsOf(app, 'applications', row),
    lead: row.description,
  }, [
    { key: '', title: 'Overview', show: () => overview(app, row) },
    {
      key: 'document',
      title: 'Document',
      show: () => html`${card('Document', fetched(app, {
        path: `/applications/${encodeURIComponent(row.name)}`,
        about: [subject, ...own.map((each) => `microservice/${each.id}`)],
        show: (document) => json(document, 'the application as JSON'),
      }))}${command(app, ['get', 'application', row.name, '-o', 'manifest'])}`,
    },
    {
      key: 'why',
      title: 'Why',
      show: () => html`${card(`Why it is ${row.state}`, why(app, subject))}${command(app, ['why', `application/${row.name}`])}
        ${card('Who set it', blame(app, subject))}${command(app, ['blame', `application/${row.name}`])}`,
    },
    {
      key: 'history',
      title: 'History',
      show: () => html`${card('History', history(app, subject))}
        ${command(app, ['audit', '--subject', `application/${row.name}`, '--all'])}`,
    },
  ]);
}

/**
 * @param {App} app
 * @param {Application} row
 */
function overview(app, row) {
  const { model } = app;
  const own = model.byApplication.get(row.id) ?? [];
  const routes = model.derived(`routes in ${row.id}`, () =>
    [...model.rows.routes.values()].filter((each) => each.application_id === row.id)
      .sort((a, b) => a.name.localeCompare(b.name)));
  const nodes = new Set(own.map((each) => each.node_id)).size;
  return html`
    ${figures([
      ['Microservices', tally(own), true],
      ['On', html`<span class="number">${nodes}</span> ${nodes === 1 ? 'node' : 'nodes'}`],
      ['Created', when(app, row.created_at)],
      ['Changed', when(app, row.updated_at)],
    ])}
    ${isEmpty(row.labels) ? nothing : card('Labels', fields(app, row.labels ?? {}, { asIs: true }))}
    ${card('Microservices', containers(app, own, {
      caption: `Microservices of ${row.name}`, without: 'application',
      empty: html`<p class="quiet">It has no microservices.</p>`,
    }), 'flush')}
    ${card('Routes', flows(app, routes, html`<p class="quiet">It has no routes.</p>`))}
    ${command(app, ['describe', 'application', row.name])}`;
}
