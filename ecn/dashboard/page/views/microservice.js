/** One microservice: how it is, its log, configuration and twin, why it is so, what happened to it. */

import { html, nothing } from '../core/html.js';
import { actsOf } from '../acts/index.js';
import { mebibytes, percent } from '../core/format.js';
import { absent } from '../parts/absent.js';
import { blame } from '../parts/blame.js';
import { command } from '../parts/command.js';
import { card, details, figures } from '../parts/details.js';
import { fetched } from '../parts/document.js';
import { history } from '../parts/history.js';
import { json } from '../parts/json.js';
import { logs } from '../parts/logs.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';
import { trend } from '../parts/trend.js';
import { twin } from '../parts/twin.js';
import { why } from '../parts/why.js';
import { equipment, links } from './microservice-parts.js';

/** @import { App } from '../core/app.js' */
/** @import { Microservice } from '../core/types.js' */

/**
 * @param {App} app
 * @param {string[]} rest its application's name and its own
 */
export function microservice(app, rest) {
  const { model, location } = app;
  const row = model.find('microservices', rest.join('/'));
  if (!row) {
    return absent(app, { path: 'microservices', title: 'Microservices', kind: 'microservice', name: rest.join('/') });
  }
  const subject = `microservice/${row.id}`;
  const name = model.nameOf('microservices', row);
  const application = model.rows.applications.get(row.application_id);
  const above = [{ text: 'Applications', href: location.href('applications') }];
  if (application) above.push({ text: application.name, href: location.href('applications', [application.name]) });
  return details(app, {
    above,
    kind: 'Microservice',
    name: row.name,
    badges: badges(row),
    acts: actsOf(app, 'microservices', row),
    lead: row.reason,
  }, [
    { key: '', title: 'Overview', show: () => overview(app, row, name) },
    { key: 'logs', title: 'Logs', show: () => html`${logs(app, row)}${command(app, ['logs', '-f', name], false)}` },
    {
      key: 'configuration',
      title: 'Configuration',
      show: () => html`${card('Configuration', fetched(app, {
        path: `/microservices/${row.id}`,
        about: [subject],
        show: (document) => configuration(document.config),
      }))}${command(app, ['get', 'microservice', name, '-o', 'manifest'])}`,
    },
    {
      key: 'twin',
      title: 'Twin',
      show: () => html`${card('Twin', twin(app, row.id))}${command(app, ['twin', 'get', name])}`,
    },
    {
      key: 'why',
      title: 'Why',
      show: () => html`${card(`Why it is ${row.state}`, why(app, subject))}${command(app, ['why', name])}
        ${card('Who set it', blame(app, subject))}${command(app, ['blame', name])}`,
    },
    {
      key: 'history',
      title: 'History',
      show: () => html`${card('History', history(app, subject))}
        ${command(app, ['audit', '--subject', `microservice/${name}`, '--all'])}`,
    },
  ]);
}

/** @param {Microservice} row */
const badges = (row) => html`${stateBadge(row.state)}
  ${row.health && row.health !== 'none' ? stateBadge(row.health) : nothing}
  ${row.started === false && row.state !== 'stopped' ? stateBadge('to be stopped', 'idle') : nothing}
  ${row.current ? nothing : stateBadge('change not carried out yet', 'busy')}`;

/** @param {unknown} config an object, or a text of another format */
const configuration = (config) => typeof config === 'string'
  ? html`<pre class="long" tabindex="0" role="group" aria-label="Configuration">${config}</pre>`
  : html`${Object.keys(/** @type {object} */ (config)).length ? nothing
    : html`<p class="quiet">It was given no configuration.</p>`}${json(config, 'configuration')}`;

/**
 * @param {App} app
 * @param {Microservice} row
 * @param {string} name
 */
function overview(app, row, name) {
  const { model, location } = app;
  const node = model.rows.nodes.get(row.node_id);
  const usage = app.moment.live ? model.containerUsage.get(row.id) : undefined;
  return html`
    ${figures([
      ['In this state since', when(app, row.at)],
      ['Node', node ? html`<a href=${location.href('nodes', [node.name])}>${node.name}</a>
        ${node.state === 'online' ? nothing : stateBadge(node.state)}` : '–'],
      ['Restarts', html`<span class="number">${row.restarts ?? 0}</span>${
        row.exit_code === undefined || row.exit_code === null ? nothing
          : html` <span class="quiet">last exit code ${row.exit_code}</span>`}`],
      ...(app.moment.live ? /** @type {[string, unknown][]} */ ([
        ['CPU', trend({
          key: `${row.id} cpu`, title: 'CPU', value: usage?.cpu_percent, text: percent(usage?.cpu_percent ?? 0),
        })],
        ['Memory', trend({
          key: `${row.id} memory`, title: 'Memory', value: usage?.memory_mib, text: mebibytes(usage?.memory_mib ?? 0),
        })],
      ]) : []),
    ])}
    ${row.state === 'pulling' && usage?.pull_percent !== undefined && usage.pull_percent !== null
      ? html`<p class="row"><progress max="100" value=${usage.pull_percent} aria-label="Image pulled"></progress>
          <span class="number">${percent(usage.pull_percent)} of the image</span></p>`
      : nothing}
    ${fetched(app, {
      path: `/microservices/${row.id}`,
      about: [`microservice/${row.id}`, `node/${row.node_id}`, `application/${row.application_id}`],
      show: (document) => html`<div class="details-cards">${equipment(app, row, document)}</div>`,
    })}
    ${links(app, row)}
    ${command(app, ['describe', 'microservice', name])}`;
}
