/** What is set for the network as a whole. */

import { html, nothing } from '../core/html.js';
import { listing } from '../parts/listing.js';
import { linkByName } from '../parts/links.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */

/**
 * As GET /network shows it.
 * @typedef {object} Network
 * @property {{node?: string | null, host: string, messaging_port: number, edge_port: number,
 *     inter_router_port: number} | null} [default_router]
 * @property {{url: string, ca_pem?: string} | null} [interior_router]
 * @property {Setting[]} [settings]
 */
/** @typedef {{key: string, value: string, updated_at: string}} Setting */

/** @param {App} app */
export function network(app) {
  const row = [...app.model.rows.network.values()][0];
  const said = /** @type {Network} */ (row ?? {});
  return listing(app, {
    title: 'Network', of: 'settings', stamp: String(app.model.version), rows: said.settings ?? [],
    key: (each) => each.key, text: (each) => `${each.key} ${each.value}`, sort: 'key',
    columns: [
      { key: 'key', title: 'Setting', width: 14, sort: (each) => each.key, cell: (each) => html`<code>${each.key}</code>` },
      { key: 'value', title: 'Value', width: 24, sort: (each) => each.value, cell: (each) => each.value },
      { key: 'changed', title: 'Changed', width: 8, sort: (each) => -Date.parse(each.updated_at), cell: (each) => when(app, each.updated_at) },
    ],
    note: ways(app, said),
    empty: nothingYet({ title: 'No settings', what: 'Nothing is set for the network as a whole: all is as it is by itself.' }),
  });
}

/**
 * @param {App} app
 * @param {Network} said
 */
function ways(app, { interior_router: interior, default_router: usual }) {
  const { state, reason } = app.model.interiorRouter;
  return html`
    <div class="cards list-note">
      <section class="card"><h2>Interior router</h2>
        ${interior ? html`<dl class="facts">
          <dt>Address</dt><dd><code>${withoutUser(interior.url)}</code></dd>
          ${app.moment.live ? html`<dt>State</dt><dd>${stateBadge(state)} ${reason ?? ''}</dd>` : nothing}
          <dt>Certificates</dt><dd>${interior.ca_pem ? 'of its own' : 'those of the system'}</dd></dl>`
        : html`<p class="quiet">None: messages stay on their node. <code>ecn controller --broker URL</code> gives it one.</p>`}
      </section>
      <section class="card"><h2>Default router</h2>
        ${usual ? html`<dl class="facts">
          <dt>Node</dt><dd>${usual.node ? linkByName(app, 'nodes', usual.node) : 'outside all nodes'}</dd>
          <dt>Host</dt><dd><code>${usual.host}</code></dd>
          <dt>Ports</dt><dd>${usual.messaging_port}, ${usual.edge_port}, ${usual.inter_router_port}</dd></dl>`
        : html`<p class="quiet">None is set.</p>`}
      </section>
    </div>
    <h2>Settings</h2>`;
}

/** @param {string} url which should have no password, and is shown without one in any case */
const withoutUser = (url) => url.replace(/\/\/[^/@]*@/, '//');
