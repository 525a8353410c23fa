/** What a microservice is made of, in cards: image, ports, storage, limits, environment, routes. */

import { html, nothing } from '../core/html.js';
import { count, exactTime, mebibytes } from '../core/format.js';
import { card } from '../parts/details.js';
import { fetched } from '../parts/document.js';
import { facts, fields, isEmpty, value } from '../parts/fields.js';
import { flows } from '../parts/flow.js';
import { stateBadge } from '../parts/state.js';

/** @import { App } from '../core/app.js' */
/** @import { Microservice } from '../core/types.js' */

/**
 * @typedef {object} Port
 * @property {number} host
 * @property {number} container
 * @property {string} protocol
 * @property {string} address
 * @property {{schemes: string[], protocol: string, enabled: boolean, router: string, port: number} | null} public
 */

/** @typedef {{microservice: string, port: number, links: string[], state: string, reason: string}} PublicPort */

/** Milliseconds: whether a port is open, is telemetry. */
const OFTEN = 10000;

/** @typedef {{target: string, source: string, kind: string, read_only: boolean, size_mib: number | null}} Mount */

/** @typedef {Record<string, any>} MicroserviceDocument as ecn/api/documents.py says */

/**
 * @param {App} app
 * @param {Microservice} row
 * @param {MicroserviceDocument} it
 */
export function equipment(app, row, it) {
  return html`
    ${card('Image', facts([
      ['Image', html`<code class="value">${it['runs_image'] || it['image'] || '–'}</code>`],
      ['Of', it['catalog_item'] ? html`catalog item ${it['catalog_item']}` : isEmpty(it['images']) ? nothing
        : value(app, it['images'])],
      ['Digest', it['status'].image_digest && html`<code class="cut" title=${it['status'].image_digest}>${it['status'].image_digest}</code>`],
      ['Registry', it['registry'] && html`<a href=${app.location.href('registries', [it['registry']])}>${it['registry']}</a>`],
      ['Pulled', it['pull']],
      ['Restart', it['restart']],
      ['Replaced', it['replace']],
      ['Entrypoint', it['entrypoint'].length ? html`<code>${it['entrypoint'].join(' ')}</code>` : nothing],
      ['Command', it['command'].length ? html`<code>${it['command'].join(' ')}</code>` : nothing],
      ['Container', it['status'].container_id && html`<code title=${it['status'].container_id}>${it['status'].container_id.slice(0, 12)}</code>`],
    ]))}
    ${card('Ports', ports(app, row, it['ports']))}
    ${card('Storage', mounts(app, it['volumes']))}
    ${card('Limits', facts([
      ['Memory', it['memory_limit_mib'] === null ? 'none' : mebibytes(it['memory_limit_mib'])],
      ['CPU', it['cpu_limit'] === null ? 'none' : `${it['cpu_limit']} cores`],
      ['Processes', it['pids_limit'] === null ? nothing : count(it['pids_limit'])],
      ['Log', mebibytes(it['log_limit_mib'])],
      ['Disk', it['disk_limit_mib'] === null ? nothing : mebibytes(it['disk_limit_mib'])],
    ]))}
    ${isEmpty(it['env']) ? nothing : card('Environment', fields(app, it['env'], { asIs: true }))}
    ${card('Start and health', facts([
      ['Wanted', it['started'] ? it['application_started'] ? 'to run' : 'stopped with its application' : 'stopped'],
      ['Depends on', it['depends_on'].length ? html`<ul class="values">${it['depends_on'].map(
        (/** @type {{microservice: string, condition: string}} */ each) => html`<li><a
          href=${app.location.href('microservices', [it['application'], each.microservice])}>${each.microservice}</a>
          <span class="quiet">${each.condition}</span></li>`)}</ul>` : nothing],
      ['Health check', it['health_check'] ? healthText(it['health_check']) : 'of the image, if it has one'],
      ['Revision', html`<span class="number">${row.revision}</span> <span class="quiet">reported of ${it['status'].revision}</span>`],
      ['Created', exactTime(row.created_at)],
      ['Updated', exactTime(row.updated_at)],
    ]))}
    ${isEmpty(it['labels']) ? nothing : card('Labels', fields(app, it['labels'], { asIs: true }))}
    ${options(app, it)}`;
}

/**
 * Container options that say something else than nothing.
 * @param {App} app
 * @param {MicroserviceDocument} it
 */
function options(app, it) {
  const said = meant({
    ...it['options'],
    stop_within: it['options'].stop_within === 10 ? null : it['options'].stop_within,
    host_network: it['host_network'],
    extra_hosts: it['extra_hosts'],
  });
  for (const each of ['pid', 'ipc']) if (said[each] === 'own') delete said[each];
  return Object.keys(said).length ? card('More of the container', fields(app, said)) : nothing;
}

/**
 * Without what is off, nothing, or empty.
 * @param {Record<string, unknown>} object
 */
const meant = (object) => Object.fromEntries(
  Object.entries(object).filter(([, each]) => each !== false && each !== 0 && !isEmpty(each)));

/**
 * How it is known whether it is well, in a line.
 * @param {{command: string[], http: {port: number, path: string} | null, tcp: number | null, disabled: boolean,
 *     interval: number, timeout: number, retries: number, start_period: number}} check
 */
function healthText(check) {
  if (check.disabled) return 'none';
  const how = check.http ? `GET :${check.http.port}${check.http.path}`
    : check.tcp !== null ? `connect to :${check.tcp}` : check.command.join(' ');
  return html`<code>${how}</code> <span class="quiet">every ${check.interval} s, ${check.timeout} s to answer,
    ${check.retries} times${check.start_period ? `, after ${check.start_period} s` : ''}</span>`;
}

/**
 * @param {App} app
 * @param {Microservice} row
 * @param {Port[]} ports
 */
function ports(app, row, ports) {
  if (!ports.length) return nothing;
  const list = html`<ul class="values">${ports.map((port) => html`<li>
    <code>${port.address ? `${port.address}:` : ''}${port.host} → ${port.container}/${port.protocol}</code>
    ${port.public ? html`<span class="quiet">public on port ${port.public.port} of ${
      app.model.rows.nodes.get(port.public.router)?.name ?? port.public.router}${
      port.public.enabled ? '' : ', disabled'}</span>` : nothing}
  </li>`)}</ul>`;
  if (!app.moment.live || !ports.some((port) => port.public)) return list;
  const name = app.model.nameOf('microservices', row);
  return html`${list}${fetched(app, {
    path: '/public-ports',
    about: [`microservice/${row.id}`],
    every: OFTEN,
    show: (document) => publicPorts(document.items.filter(
      (/** @type {PublicPort} */ each) => each.microservice === name)),
  })}`;
}

/** @param {PublicPort[]} ports where each is reached, and whether it is open now */
const publicPorts = (ports) => html`<ul class="values public">${ports.map((port) => html`<li class="row">
  ${port.links.map((link) => /^https?:\/\//.test(link)
    ? html`<a href=${link} target="_blank" rel="noopener noreferrer">${link}</a>` : html`<code>${link}</code>`)}
  ${stateBadge(port.state, port.state === 'open' ? 'good' : port.state === 'closed' ? 'bad' : 'idle')}
  ${port.reason ? html`<span class="quiet">${port.reason}</span>` : nothing}
</li>`)}</ul>`;

/**
 * @param {App} app
 * @param {Mount[]} mounts
 */
function mounts(app, mounts) {
  if (!mounts.length) return nothing;
  return html`<ul class="values">${mounts.map((mount) => html`<li>
    <code>${mount.target}</code>
    <span class="quiet">${mount.kind === 'bind' ? 'folder' : mount.kind}</span>
    ${source(app, mount)}
    <span class="quiet">${[mount.read_only ? 'read only' : '', mount.size_mib ? mebibytes(mount.size_mib) : '']
      .filter(Boolean).join(', ')}</span>
  </li>`)}</ul>`;
}

/**
 * @param {App} app
 * @param {Mount} mount
 */
function source(app, mount) {
  if (!mount.source) return nothing;
  const volume = mount.kind === 'files' ? app.model.find('volumes', mount.source) : undefined;
  if (!volume) return html`<code>${mount.source}</code>`;
  return html`<a href=${app.location.href('volumes', [volume.name])}>${volume.name}</a>`;
}

/**
 * @param {App} app
 * @param {Microservice} row
 */
export function links(app, row) {
  const { into, out } = app.model.derived(`routes of ${row.id}`, () => {
    const own = [...app.model.rows.routes.values()];
    return {
      into: own.filter((each) => each.destination_id === row.id),
      out: own.filter((each) => each.source_id === row.id ||
        (!each.source_id && each.application_id === row.application_id)),
    };
  });
  if (!into.length && !out.length) return nothing;
  return card('Routes', html`${flows(app, out)}${flows(app, into.filter((each) => !out.includes(each)))}`);
}
