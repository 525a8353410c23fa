/** Routers and public ports: what carries messages and connections, which is known of now only. */

import { html } from '../core/html.js';
import { bytes, count } from '../core/format.js';
import { fetched } from '../parts/fetched.js';
import { linkByName } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */

/**
 * As GET /routers shows it.
 * @typedef {object} Router
 * @property {string} name
 * @property {string} kind
 * @property {string | null} [node]
 * @property {string} [host]
 * @property {number[]} [ports]
 * @property {string[]} [upstreams]
 * @property {string[]} [downstreams]
 * @property {string} state
 * @property {string} [reason]
 * @property {string | null} [heard_at]
 * @property {number} [stored_messages]
 * @property {number} [stored_bytes]
 * @property {number} [connections]
 */

/**
 * As GET /public-ports shows it.
 * @typedef {object} PublicPort
 * @property {string} microservice
 * @property {number} port
 * @property {string} protocol
 * @property {number} container
 * @property {string} node
 * @property {string} router
 * @property {string[]} [links]
 * @property {string[]} [allow]
 * @property {string} state
 * @property {string} [reason]
 */

/** How often telemetry is asked for. Milliseconds. */
const OFTEN = 10_000;
const none = html`<span class="quiet">–</span>`;

/** @param {App} app */
export const routers = (app) => fetched({
  app, title: 'Routers', path: '/routers', every: OFTEN, show: (answer, stamp) => routerList(app, answer.items, stamp),
});

/**
 * @param {App} app
 * @param {Router[]} rows
 * @param {string} stamp
 */
function routerList(app, rows, stamp) {
  return listing(app, {
    title: 'Routers', of: 'routers', rows, stamp,
    key: (row) => `${row.kind} ${row.name}`,
    text: (row) => `${row.name} ${row.kind} ${row.host ?? ''} ${row.state} ${row.reason ?? ''} ${(row.upstreams ?? []).join(' ')}`,
    facets: [
      { key: 'state', title: 'State', chips: true, order: ['up', 'waiting', 'refusing', 'down', 'unknown', 'registered', 'offline'],
        values: (row) => [row.state] },
      { key: 'kind', title: 'Kind', values: (row) => [row.kind] },
    ],
    columns: [
      { key: 'name', title: 'Router', width: 11, sort: (row) => row.name,
        cell: (row) => (row.node ? linkByName(app, 'nodes', row.node) : html`<b>${row.name}</b>`) },
      { key: 'kind', title: 'Kind', width: 6.5, sort: (row) => row.kind, cell: (row) => row.kind },
      { key: 'state', title: 'State', width: 8, sort: (row) => row.state, cell: (row) => stateBadge(row.state) },
      { key: 'reason', title: 'Why', width: 13, sort: (row) => row.reason, cell: (row) => row.reason ?? '' },
      { key: 'up', title: 'Leads to', width: 11, sort: (row) => row.upstreams?.[0], cell: (row) => (row.upstreams ?? []).join(', ') },
      { key: 'down', title: 'Led to by', width: 6.5, number: true, sort: (row) => row.downstreams?.length ?? 0,
        cell: (row) => row.downstreams?.length || none },
      { key: 'stored', title: 'Stored', width: 6.5, number: true, sort: (row) => row.stored_messages ?? 0,
        cell: (row) => (row.stored_messages ? html`<span title=${bytes(row.stored_bytes ?? 0)}>${count(row.stored_messages)}</span>` : none) },
      { key: 'connections', title: 'Connections', width: 7.5, number: true, sort: (row) => row.connections ?? 0, cell: (row) => row.connections || none },
      { key: 'host', title: 'Host', width: 10, sort: (row) => row.host, cell: (row) => row.host || none },
      { key: 'ports', title: 'Ports', width: 8, cell: (row) => (row.ports ?? []).join(', ') },
      { key: 'heard', title: 'Heard', width: 6.5, sort: (row) => (row.heard_at ? -Date.parse(row.heard_at) : undefined),
        cell: (row) => when(app, row.heard_at ?? undefined) },
    ],
    empty: nothingYet({
      title: 'No routers yet',
      what: 'Each node\'s agent is a router. Messages between nodes go through an interior router.',
      commands: ['ecn create node kiosk-7'],
    }),
  });
}

/** @param {App} app */
export const publicPorts = (app) => fetched({
  app, title: 'Public ports', path: '/public-ports', every: OFTEN,
  on: (event) => /^(microservice|application|container)\b/.test(event.type),
  show: (answer, stamp) => publicPortList(app, answer.items, stamp),
});

/**
 * @param {App} app
 * @param {PublicPort[]} rows
 * @param {string} stamp
 */
function publicPortList(app, rows, stamp) {
  return listing(app, {
    title: 'Public ports', of: 'public ports', rows, stamp,
    key: (row) => `${row.port} ${row.microservice}`,
    text: (row) => `${row.port} ${row.microservice} ${row.node} ${row.router} ${row.state}`,
    facets: [
      { key: 'state', title: 'State', chips: true, order: ['open', 'closed', 'disabled', 'unknown'], values: (row) => [row.state] },
      { key: 'protocol', title: 'Protocol', values: (row) => [row.protocol] },
      { key: 'node', title: 'Node', values: (row) => [row.node] },
    ],
    columns: [
      { key: 'port', title: 'Port', width: 5, sort: (row) => row.port, cell: (row) => html`<b>${row.port}</b>` },
      { key: 'state', title: 'State', width: 8, sort: (row) => row.state, cell: (row) =>
        stateBadge(row.state) },
      { key: 'microservice', title: 'Leads to', width: 10, sort: (row) => row.microservice,
        cell: (row) => linkByName(app, 'microservices', row.microservice) },
      { key: 'links', title: 'Address', width: 13, cell: (row) => (row.links ?? []).map(address) },
      { key: 'container', title: 'Container', width: 6.5, number: true, sort: (row) => row.container, cell: (row) => row.container },
      { key: 'protocol', title: 'Protocol', width: 6, sort: (row) => row.protocol, cell: (row) => row.protocol },
      { key: 'node', title: 'Node', width: 8, sort: (row) => row.node, cell: (row) => linkByName(app, 'nodes', row.node) },
      { key: 'router', title: 'Opened by', width: 9, sort: (row) => row.router, cell: (row) => row.router },
      { key: 'allow', title: 'Open to', width: 10, cell: (row) => (row.allow?.length ? row.allow.join(', ') : 'everybody') },
      { key: 'reason', title: 'Why', width: 16, sort: (row) => row.reason, cell: (row) => row.reason ?? '' },
    ],
    empty: nothingYet({
      title: 'No public ports yet',
      what: 'A public port at the centre leads to a container on a node that takes no connections itself. ' +
        'A microservice\'s manifest opens one: ports, with public.',
      commands: ['ecn deploy -f shop.yaml', 'ecn router run'],
    }),
  });
}

/** @param {string} link */
const address = (link) => (/^https?:\/\//.test(link)
  ? html`<a href=${link} rel="noreferrer" target="_blank">${link}</a> ` : html`<code>${link}</code> `);
