/** The network in numbers, each with the way to what it counts: for the overview. */

import { html, nothing } from '../core/html.js';
import { CONDITIONS, conditionOf, FAILING, ON_THE_WAY } from '../core/condition.js';
import { count } from '../core/format.js';
import { kept, stampOf } from '../core/kept.js';
import { bar } from '../parts/bar.js';
import { eventRate } from '../parts/event-rate.js';
import { stateBadge } from '../parts/state.js';

/** @import { App } from '../core/app.js' */
/** @import { Part } from '../parts/bar.js' */
/** @import { Tone } from '../parts/state.js' */

/** @type {{label: string, tone: Tone, states: string[]}[]} conditions as an operator thinks of them */
const GROUPS = [
  { label: 'running', tone: 'good', states: ['running'] },
  { label: 'on the way', tone: 'busy', states: ON_THE_WAY },
  { label: 'ended', tone: 'idle', states: ['exited', 'stopped'] },
  { label: 'failing', tone: 'bad', states: FAILING },
  { label: 'unheard', tone: 'warn', states: ['unheard'] },
];

/**
 * @param {Iterable<string>} states
 * @returns {Map<string, number>}
 */
function tally(states) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** @param {App} app */
export function numbers(app) {
  return html`
    <div class="numbers">
      ${microservices(app)}
      ${nodes(app)}
      ${applicationsAndRoutes(app)}
      <section class="card"><h2><a href=${app.location.href('timeline')}>Events</a></h2>${eventRate(app)}</section>
      ${controller(app)}
    </div>`;
}

/** @param {App} app */
function microservices(app) {
  const { model, location } = app;
  const counts = model.derived('microservices by condition', () =>
    tally([...model.rows.microservices.values()].map((each) =>
      conditionOf(each, model.rows.nodes.get(each.node_id)))));
  const known = new Set(GROUPS.flatMap((each) => each.states));
  /** @type {Part[]} */
  const parts = GROUPS.map(({ label, tone, states }) => ({
    label, tone,
    amount: states.reduce((sum, each) => sum + (counts.get(each) ?? 0), 0),
    href: location.href('microservices', [], { state: states.join(',') }),
    title: states.length > 1 ? CONDITIONS.filter((each) => states.includes(each) && counts.get(each))
      .map((each) => `${counts.get(each)} ${each}`).join(', ') : '',
  }));
  const others = [...counts].filter(([state]) => !known.has(state));
  for (const [label, amount] of others) {
    parts.push({ label, tone: 'idle', amount, href: location.href('microservices', [], { state: label }) });
  }
  return section(app, 'microservices', 'Microservices', model.rows.microservices.size,
    bar('Microservices by state', parts));
}

/** @param {App} app */
function nodes(app) {
  const { model, location } = app;
  const counts = model.derived('nodes by state', () =>
    tally([...model.rows.nodes.values()].map((each) => each.state)));
  /** @type {[string, Tone][]} */
  const states = [['online', 'good'], ['registered', 'idle'], ['offline', 'bad']];
  return section(app, 'nodes', 'Nodes', model.rows.nodes.size, bar('Nodes by state',
    states.map(([label, tone]) => ({
      label, tone, amount: counts.get(label) ?? 0, href: location.href('nodes', [], { state: label }),
      title: label === 'registered' ? 'no device has become these nodes yet' : '',
    }))));
}

/** @param {App} app */
function applicationsAndRoutes(app) {
  const { model, location } = app;
  const applications = model.derived('applications by state', () =>
    tally([...model.rows.applications.values()].map((each) => each.state)));
  const flows = kept(model, 'routes by state', stampOf(model), () =>
    tally([...model.rows.routes.keys()].map((id) => model.flows.get(id)?.state ?? 'unknown')));
  /** @type {(view: string, states: [string, Tone][], counts: Map<string, number>) => Part[]} */
  const parts = (view, states, counts) => states.map(([label, tone]) => ({
    label, tone, amount: counts.get(label) ?? 0, href: location.href(view, [], { state: label }),
  }));
  return html`
    ${section(app, 'applications', 'Applications', model.rows.applications.size, bar('Applications by state',
      parts('applications', [['running', 'good'], ['progressing', 'busy'], ['stopped', 'idle'], ['failing', 'bad']], applications)))}
    ${section(app, 'routes', 'Routes', model.rows.routes.size, app.moment.live ? bar('Routes by state',
      parts('routes', [['up', 'good'], ['waiting', 'warn'], ['refusing', 'bad'], ['unknown', 'idle']], flows))
      : html`<p class="quiet">How messages flowed then is not kept.</p>`)}`;
}

/** @param {App} app */
function controller(app) {
  const { model, moment } = app;
  return html`
    <section class="card"><h2>Controller</h2>
      <dl class="facts">
        <dt>Link</dt><dd>${!moment.live ? stateBadge('the past', 'idle')
          : stateBadge(moment.link === 'up' ? 'live' : moment.link,
            moment.link === 'up' ? 'good' : moment.link === 'connecting' ? 'busy' : 'bad')}</dd>
        <dt>Position</dt><dd class="figures">${count(model.position)}</dd>
        ${moment.live ? html`<dt>Interior router</dt><dd><a class="bare" href=${app.location.href('routers')}>${
          stateBadge(model.interiorRouter.state)}</a></dd>` : nothing}
        <dt>Version</dt><dd>${moment.connection.version || '–'}</dd>
      </dl>
    </section>`;
}

/**
 * @param {App} app
 * @param {string} view
 * @param {string} title
 * @param {number} all
 * @param {unknown} inside
 */
const section = (app, view, title, all, inside) => html`
  <section class="card">
    <h2 class="row apart"><a href=${app.location.href(view)}>${title}</a><b class="figures">${count(all)}</b></h2>
    ${inside}
  </section>`;
