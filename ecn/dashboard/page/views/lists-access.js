/** Who may, who looks into containers now, and which keys seal secrets. */

import { html } from '../core/html.js';
import { count } from '../core/format.js';
import { fetched } from '../parts/fetched.js';
import { linkByName } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */

/** @typedef {{id: string, name: string, role: string, tokens?: number, created_at: string}} User */
/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string} kind
 * @property {string | null} [microservice]
 * @property {string} node
 * @property {string} actor
 * @property {string} opened_at
 * @property {string[]} [command]
 * @property {number[]} [ports]
 */
/** @typedef {{id: string, role: string, wraps?: number | null}} MasterKey */

/**
 * @param {App} app
 * @param {string} title
 * @param {() => unknown} show
 */
const forAdmins = (app, title, show) => html`${app.session?.role === 'admin' ? show()
  : html`<h1>${title}</h1><p class="card quiet">This needs the role admin.</p>`}`;

/** @param {App} app */
export const users = (app) => forAdmins(app, 'Users', () => fetched({
  app, title: 'Users', path: '/users', then: true, on: (event) => event.type.startsWith('user.'),
  show: (answer, stamp) => listing(app, {
    title: 'Users', of: 'users', stamp, rows: /** @type {User[]} */ (answer.items),
    key: (row) => row.id, text: (row) => `${row.name} ${row.role}`, sort: 'name',
    facets: [{ key: 'role', title: 'Role', chips: true, order: ['viewer', 'operator', 'admin'], values: (row) => [row.role] }],
    columns: [
      { key: 'name', title: 'User', width: 14, sort: (row) => row.name, cell: (row) => html`<b>${row.name}</b>` },
      { key: 'role', title: 'Role', width: 8, sort: (row) => row.role, cell: (row) => row.role },
      { key: 'tokens', title: 'Tokens', width: 6, number: true, sort: (row) => row.tokens ?? 0, cell: (row) => count(row.tokens ?? 0) },
      { key: 'created', title: 'Created', width: 8, sort: (row) => -Date.parse(row.created_at), cell: (row) => when(app, row.created_at) },
    ],
    note: html`<p class="quiet list-note">Made with <code>ecn create user anna --role operator</code>.</p>`,
    empty: nothingYet({ title: 'No users', what: 'Who may log in.', commands: ['ecn create user anna --role operator'] }),
  }),
}));

/** @param {App} app */
export const sessions = (app) => fetched({
  app, title: 'Sessions', path: '/sessions', on: (event) => event.type.startsWith('session.'),
  show: (answer, stamp) => listing(app, {
    title: 'Sessions', of: 'sessions', stamp, rows: /** @type {Session[]} */ (answer.items),
    key: (row) => row.id, text: (row) => `${row.actor} ${row.microservice ?? ''} ${row.node} ${row.kind} ${(row.command ?? []).join(' ')}`,
    facets: [{ key: 'kind', title: 'Kind', chips: true, values: (row) => [row.kind] }],
    columns: [
      { key: 'actor', title: 'Who', width: 10, sort: (row) => row.actor, cell: (row) => html`<b>${row.actor}</b>` },
      { key: 'kind', title: 'Kind', width: 7, sort: (row) => row.kind, cell: (row) => row.kind },
      { key: 'microservice', title: 'Microservice', width: 13, sort: (row) => row.microservice,
        cell: (row) => (row.microservice ? linkByName(app, 'microservices', row.microservice) : 'the device itself') },
      { key: 'node', title: 'Node', width: 10, sort: (row) => row.node, cell: (row) => linkByName(app, 'nodes', row.node) },
      { key: 'what', title: 'What', width: 16, cell: (row) => (row.command?.length
        ? html`<code>${row.command.join(' ')}</code>` : `ports ${(row.ports ?? []).join(', ')}`) },
      { key: 'opened', title: 'Open since', width: 8, sort: (row) => -Date.parse(row.opened_at), cell: (row) => when(app, row.opened_at) },
    ],
    empty: nothingYet({
      title: 'No open sessions',
      what: 'A session is somebody\'s look into a container or onto a device. Each is in the log, with who and how long.',
      commands: ['ecn exec shop/web -it sh', 'ecn port-forward shop/web 8080:80'],
    }),
  }),
});

/** @param {App} app */
export const masterKeys = (app) => forAdmins(app, 'Master keys', () => fetched({
  app, title: 'Master keys', path: '/master-keys', on: (event) => /secret|key/.test(event.type),
  show: (answer, stamp) => listing(app, {
    title: 'Master keys', of: 'master keys', stamp, rows: /** @type {MasterKey[]} */ (answer.items),
    key: (row) => row.id, text: (row) => `${row.id} ${row.role}`,
    columns: [
      { key: 'id', title: 'Id', width: 14, sort: (row) => row.id, cell: (row) => html`<code>${row.id}</code>` },
      { key: 'role', title: 'Role', width: 8, sort: (row) => row.role, cell: (row) => stateBadge(row.role,
        row.role === 'current' ? 'good' : row.role === 'missing' ? 'bad' : 'idle') },
      { key: 'wraps', title: 'Secrets under it', width: 9, number: true, sort: (row) => row.wraps ?? undefined,
        cell: (row) => (row.wraps === null || row.wraps === undefined ? html`<span class="quiet">–</span>` : count(row.wraps)) },
    ],
    note: html`<p class="quiet list-note">They seal every secret of this network. Only their ids are shown; nothing here opens anything.</p>`,
    empty: nothingYet({ title: 'No master keys', what: 'Nothing is sealed.' }),
  }),
}));
