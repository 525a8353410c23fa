/** One node: how its device is, what runs there, how it is set, why it is so, what happened to it. */

import { html, nothing } from '../core/html.js';
import { actsOf } from '../acts/index.js';
import { absent } from '../parts/absent.js';
import { blame } from '../parts/blame.js';
import { command } from '../parts/command.js';
import { card, details } from '../parts/details.js';
import { fetched } from '../parts/document.js';
import { flows } from '../parts/flow.js';
import { history } from '../parts/history.js';
import { json } from '../parts/json.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';
import { why } from '../parts/why.js';
import { containers } from './containers.js';
import { device, problems, usageFigures } from './node-parts.js';

/** @import { App } from '../core/app.js' */
/** @import { Node } from '../core/types.js' */

/**
 * @param {App} app
 * @param {string[]} rest its name
 */
export function node(app, rest) {
  const { model, location } = app;
  const row = model.find('nodes', rest.join('/'));
  if (!row) return absent(app, { path: 'nodes', title: 'Nodes', kind: 'node', name: rest.join('/') });
  const subject = `node/${row.id}`;
  const own = model.byNode.get(row.id) ?? [];
  const ids = new Set(own.map((each) => each.id));
  const routes = model.derived(`routes at ${row.id}`, () => [...model.rows.routes.values()].filter((each) =>
    (each.source_id && ids.has(each.source_id)) || (each.destination_id && ids.has(each.destination_id))));
  return details(app, {
    above: [{ text: 'Nodes', href: location.href('nodes') }],
    kind: 'Node',
    name: row.name,
    badges: html`${stateBadge(row.state)}${row.system ? stateBadge('system', 'idle') : nothing}`,
    acts: actsOf(app, 'nodes', row),
    lead: lead(app, row),
  }, [
    { key: '', title: 'Overview', show: () => overview(app, row) },
    {
      key: 'microservices',
      title: 'Microservices',
      count: own.length,
      show: () => html`${card('Microservices', containers(app, own, {
        caption: `Microservices on ${row.name}`, without: 'node',
        empty: html`<p class="quiet">Nothing is placed on this node.</p>`,
      }), 'flush')}${command(app, ['get', 'microservices', '--node', row.name])}`,
    },
    {
      key: 'routes',
      title: 'Routes',
      count: routes.length,
      show: () => card('Routes that begin or end here',
        flows(app, routes, html`<p class="quiet">No route begins or ends on this node.</p>`)),
    },
    {
      key: 'settings',
      title: 'Settings',
      show: () => html`${card('Settings', fetched(app, {
        path: `/nodes/${row.id}`, about: [subject],
        show: (document) => json(document.settings, 'settings'),
      }))}${command(app, ['get', 'node', row.name, '-o', 'manifest'])}`,
    },
    {
      key: 'why',
      title: 'Why',
      show: () => html`${card(`Why it is ${row.state}`, why(app, subject))}${command(app, ['why', `node/${row.name}`])}
        ${card('Who set it', blame(app, subject))}${command(app, ['blame', `node/${row.name}`])}`,
    },
    {
      key: 'history',
      title: 'History',
      show: () => html`${card('History', history(app, subject))}
        ${command(app, ['audit', '--subject', `node/${row.name}`, '--all'])}`,
    },
  ]);
}

/**
 * @param {App} app
 * @param {Node} row
 */
function lead(app, row) {
  if (row.state === 'registered') {
    return html`No device has come to this node yet. It was registered ${when(app, row.created_at)}.`;
  }
  const reason = row.offline_reason ? `${OFFLINE[row.offline_reason] ?? row.offline_reason}; ` : '';
  const { description } = row;
  return html`${description ? html`<span class="description">${description}</span> · ` : nothing}${reason}${row.state}
    since ${when(app, row.since)}`;
}

/** @type {Record<string, string>} */
const OFFLINE = {
  silent: 'nothing is heard of it',
  stopped: 'its agent was stopped',
  deprovisioned: 'its device was deprovisioned',
};

/**
 * @param {App} app
 * @param {Node} row
 */
const overview = (app, row) => html`
  ${problems(row)}
  ${usageFigures(app, row)}
  ${fetched(app, {
    path: `/nodes/${row.id}`,
    about: [`node/${row.id}`],
    show: (document) => html`<div class="details-cards">${device(app, row, document)}</div>`,
  })}
  ${command(app, ['describe', 'node', row.name])}`;
