/** Topology: the network drawn, with what it can be searched and put together by; or the same as a list. */

import { html, nothing } from '../core/html.js';
import { count } from '../core/format.js';
import { ATTENTION } from '../topology/emphasis.js';
import { byName, groupings } from '../topology/grouping.js';
import { legend } from '../topology/legend.js';
import { asList, firstMatch } from '../topology/list.js';
import '../topology/element.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function topology(app) {
  const { model, location } = app;
  const list = location.query.get('as') === 'list';
  if (!model.rows.nodes.size) return html`<h1>Topology</h1>${nobody(app)}`;
  return html`
    <div class="topology-head">
      <h1>Topology</h1>
      ${search(app)}
      ${choices(app)}
      <a class="button" href=${location.with({ as: list ? null : 'list' })}>
        ${list ? 'As a drawing' : 'As a list'}</a>
    </div>
    ${list ? asList(app) : html`
      <ecn-topology class="topology" .app=${app}></ecn-topology>
      ${legend()}`}`;
}

/** @param {App} app */
function nobody(app) {
  return html`
    <div class="card">
      <p>There are no nodes yet, so there is nothing to draw.</p>
      <p><a href=${app.location.href('')}>How to begin</a></p>
    </div>`;
}

/** @param {App} app */
function search(app) {
  const { location } = app;
  const q = location.query.get('q') ?? '';
  const typed = (/** @type {Event} */ event) =>
    location.set({ q: /** @type {HTMLInputElement} */ (event.target).value }, { replace: true });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const found = firstMatch(app);
    if (found) location.set({ sel: found.sel });
  };
  const matches = q ? firstMatch(app)?.count ?? 0 : 0;
  return html`
    <form class="topology-search" role="search" @submit=${submit}>
      <label class="only-read-aloud" for="topology-q">Search nodes and microservices</label>
      <input id="topology-q" type="search" placeholder="Search" autocomplete="off" spellcheck="false"
        .value=${q} @input=${typed}>
      <span class="quiet topology-count" role="status">${q
        ? matches === 1 ? '1 node' : `${count(matches)} nodes` : nothing}</span>
    </form>`;
}

/** @param {App} app */
function choices({ model, location }) {
  const { query } = location;
  const ways = model.derived('topology groupings', () => groupings([...model.rows.nodes.values()]));
  const applications = model.derived('topology applications', () =>
    [...model.rows.applications.values()].map((each) => each.name).sort(byName));
  const states = model.derived('topology states', () => [...new Set([
    ...[...model.rows.nodes.values()].map((each) => each.state),
    ...[...model.rows.microservices.values()].map((each) => each.state),
  ])].sort());
  return html`
    ${choice('Group by', 'group', [['', 'Grouped as suits'],
      ...ways.map(({ value, title }) => [value, `By ${title}`])])}
    ${choice('Application', 'application', [['', 'All applications'],
      ...applications.map((each) => [each, each])])}
    ${choice('State', 'state', [['', 'All states'], [ATTENTION, 'needs attention'],
      ...states.map((each) => [each, each])])}`;

  /**
   * @param {string} title
   * @param {string} name
   * @param {string[][]} values
   */
  function choice(title, name, values) {
    const chosen = query.get(name) ?? '';
    const change = (/** @type {Event} */ event) =>
      location.set({ [name]: /** @type {HTMLSelectElement} */ (event.target).value });
    return html`<label class="topology-choice"><span class="only-read-aloud">${title}</span>
      <select @change=${change}>${values.map(([value = '', words]) =>
        html`<option value=${value} .selected=${value === chosen}>${words}</option>`)}</select></label>`;
  }
}
