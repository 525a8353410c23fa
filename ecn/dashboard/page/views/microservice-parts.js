/** What a microservice is made of, in cards: image, ports, storage, limits, environment, routes. */

import { html, nothing } from '../core/html.js';
import { count, exactTime, mebibytes } from '../core/format.js';
import { card } from '../parts/details.js';
import { facts, fields, isEmpty, value } from '../parts/fields.js';
import { flows } from '../parts/flow.js';

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
    ${card('Ports', ports(app, it['ports']))}
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
      ['Health check', it['health_check'] ? value(app, meant(it['health_check'])) : 'of the image, if it has one'],
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
 * @param {App} app
 * @param {Port[]} ports
 */
function ports(app, ports) {
  if (!ports.length) return nothing;
  return html`<ul class="values">${ports.map((port) => html`<li>
    <code>${port.address ? `${port.address}:` : ''}${port.host} → ${port.container}/${port.protocol}</code>
    ${port.public ? html`<div>public: ${port.public.schemes.map((scheme) =>
      html`<code>${scheme}://…:${port.public?.port}</code> `)}<span class="quiet">on ${
        app.model.rows.nodes.get(port.public.router)?.name ?? port.public.router}${
        port.public.enabled ? '' : ', disabled'}</span></div>` : nothing}
  </li>`)}</ul>`;
}

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
  const volume = app.model.rows.volumes.get(mount.source);
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
