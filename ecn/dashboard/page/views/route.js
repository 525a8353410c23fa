/** One route: who says what to whom, how it goes on each node, why, what happened to it. */

import { html, nothing } from '../core/html.js';
import { actsOf } from '../acts/index.js';
import { bytes, count, exactTime, rate, span } from '../core/format.js';
import { absent } from '../parts/absent.js';
import { blame } from '../parts/blame.js';
import { command } from '../parts/command.js';
import { card, details, figures } from '../parts/details.js';
import { fetched } from '../parts/document.js';
import { facts } from '../parts/fields.js';
import { arrow } from '../parts/flow.js';
import { history } from '../parts/history.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';
import { trend } from '../parts/trend.js';
import { why } from '../parts/why.js';

/** @import { App } from '../core/app.js' */
/** @import { Route } from '../core/types.js' */

/** Milliseconds: what its nodes say of it is telemetry, which no event tells of. */
const EVERY = 5000;

/**
 * @typedef {object} OnNode
 * @property {string} node
 * @property {string} state
 * @property {string} reason
 * @property {number} stored
 * @property {number} stored_bytes
 * @property {number} oldest_seconds
 * @property {number} accepted
 * @property {number} delivered
 * @property {number} received
 * @property {number} dropped
 * @property {number} undefined
 * @property {number | null} rate_in
 * @property {number | null} rate_out
 * @property {string | null} heard_at
 */

/**
 * @param {App} app
 * @param {string[]} rest its application's name and its own
 */
export function route(app, rest) {
  const { model, location } = app;
  const row = model.find('routes', rest.join('/'));
  if (!row) return absent(app, { path: 'routes', title: 'Routes', kind: 'route', name: rest.join('/') });
  const subject = `route/${row.id}`;
  const name = model.nameOf('routes', row);
  const application = model.rows.applications.get(row.application_id);
  const flow = app.moment.live ? model.flows.get(row.id) : undefined;
  const above = [{ text: 'Routes', href: location.href('routes') }];
  if (application) above.push({ text: application.name, href: location.href('applications', [application.name]) });
  return details(app, {
    above,
    kind: 'Route',
    name: row.name,
    badges: flow ? stateBadge(flow.state) : nothing,
    acts: actsOf(app, 'routes', row),
    lead: flow?.reason,
  }, [
    { key: '', title: 'Overview', show: () => overview(app, row, name) },
    {
      key: 'why',
      title: 'Why',
      show: () => html`${card('Why it is so', why(app, subject))}${command(app, ['why', `route/${name}`])}
        ${card('Who set it', blame(app, subject))}${command(app, ['blame', `route/${name}`])}`,
    },
    {
      key: 'history',
      title: 'History',
      show: () => html`${card('History', history(app, subject))}
        ${command(app, ['audit', '--subject', `route/${name}`, '--all'])}`,
    },
  ]);
}

/**
 * @param {App} app
 * @param {Route} row
 * @param {string} name
 */
function overview(app, row, name) {
  const flow = app.moment.live ? app.model.flows.get(row.id) : undefined;
  /** @param {string} title @param {number | undefined} value @param {(amount: number) => string} text */
  const line = (title, value, text) => /** @type {[string, unknown]} */ ([
    title, trend({ key: `${row.id} ${title}`, title, value, text: text(value ?? 0) })]);
  return html`
    <div class="card big-flow">${arrow(app, row)}</div>
    ${app.moment.live ? figures([
      line('In', flow?.rate_in, rate),
      line('Out', flow?.rate_out, rate),
      line('Stored', flow?.stored ?? (flow && 0), (amount) => `${count(amount)}${flow?.stored_bytes ? `, ${bytes(flow.stored_bytes)}` : ''}`),
      ['Dropped', html`<span class="number">${flow ? count(flow.dropped ?? 0) : '–'}</span>`],
    ]) : nothing}
    <div class="details-cards">
      ${card('What goes there', facts([
        ['Which', row.twin_changes ? 'changes of reported twin properties' : 'messages'],
        ['Condition', row.condition ? html`<code class="value">${row.condition}</code>` : 'always'],
        ['By output', row.output],
        ['As input', row.input],
        ['Priority', row.priority ?? 'the least'],
        ['Kept for', kept(row.ttl)],
        ['Stored', row.durable === false ? 'in memory alone' : 'on disk'],
        ['Posted to', row.webhook ? html`<code class="value">${row.webhook}</code>` : ''],
        ['Created', exactTime(row.created_at)],
        ['Changed', exactTime(row.updated_at)],
      ]))}
    </div>
    ${app.moment.live ? card('On its nodes', fetched(app, {
      path: `/routes/${row.id}`,
      about: [`route/${row.id}`],
      every: EVERY,
      show: (document) => onNodes(app, document.status?.nodes ?? []),
    })) : nothing}
    ${command(app, ['describe', 'route', name])}`;
}

/** @param {number | null | undefined} ttl seconds */
const kept = (ttl) => ttl === undefined || ttl === null ? 'as its node says' : ttl === 0 ? 'ever' : span(ttl * 1000);

/**
 * @param {App} app
 * @param {OnNode[]} nodes
 */
function onNodes(app, nodes) {
  if (!nodes.length) return html`<p class="quiet">No node has said anything of it yet.</p>`;
  return html`<div class="scrolls" tabindex="0" role="group"
    aria-label="How it goes on each node"><table class="on-nodes">
    <caption class="only-read-aloud">How it goes on each node</caption>
    <thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col" class="number">Accepted</th>
      <th scope="col" class="number">Delivered</th><th scope="col" class="number">Received</th>
      <th scope="col" class="number">Stored</th><th scope="col" class="number">Oldest</th>
      <th scope="col" class="number">Dropped</th><th scope="col" class="number">Undecided</th>
      <th scope="col">Told</th></tr></thead>
    <tbody>${nodes.map((each) => html`<tr>
      <td><a href=${app.location.href('nodes', [each.node])}>${each.node}</a></td>
      <td>${stateBadge(each.state)}${each.reason ? html`<div class="quiet small">${each.reason}</div>` : nothing}</td>
      <td class="number">${count(each.accepted)}</td>
      <td class="number">${count(each.delivered)}</td>
      <td class="number">${count(each.received)}</td>
      <td class="number">${count(each.stored)}${each.stored_bytes ? html` <span class="quiet">${bytes(each.stored_bytes)}</span>` : nothing}</td>
      <td class="number">${each.stored ? span(each.oldest_seconds * 1000) : '–'}</td>
      <td class="number">${count(each.dropped)}</td>
      <td class="number" title="Messages for which the condition was neither true nor false">${count(each.undefined)}</td>
      <td class="nowrap">${each.heard_at ? when(app, each.heard_at) : '–'}</td>
    </tr>`)}</tbody></table></div>`;
}
