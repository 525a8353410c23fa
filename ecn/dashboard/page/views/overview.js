/** What an operator sees first: what is wrong, then how all is, then what happened last. */

import { html, nothing, repeat } from '../core/html.js';
import { attention } from '../core/attention.js';
import { kept, stampOf } from '../core/kept.js';
import { deployButton, newNode } from '../acts/index.js';
import { recentEvents } from '../parts/recent.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';
import { beginning, firstSteps } from './first-steps.js';
import { numbers } from './overview-numbers.js';

/** @import { App } from '../core/app.js' */
/** @import { Concern } from '../core/concern.js' */

/** So many are shown at first. */
const FIRST = 10;
/** What depends on the time alone is looked at so often. Milliseconds. */
const OFTEN = 10_000;

/** @param {App} app */
export function overview(app) {
  return html`
    <div class="row apart list-head"><h1>Overview</h1><div class="row">${newNode(app)}${deployButton(app)}</div></div>
    <div class="overview">
      <div class="first">
        ${beginning(app) ? firstSteps(app) : nothing}
        ${needsAttention(app, beginning(app))}
      </div>
      ${numbers(app)}
      <section class="card lately">
        <h2 class="row apart"><span>Recent events</span><a class="more" href=${app.location.href('timeline')}>Timeline</a></h2>
        ${recentEvents(app)}
      </section>
    </div>`;
}

/**
 * @param {App} app
 * @param {boolean} atFirst where there is nothing yet, nothing is well either
 */
function needsAttention(app, atFirst) {
  const { model, location, moment } = app;
  const stamp = `${stampOf(model)}/${Math.floor(app.now / OFTEN)}/${moment.live ? moment.link : 'then'}`;
  const concerns = kept(model, 'attention', stamp, () => attention(model, app.now, linkOf(app)));
  if (atFirst && !concerns.length) return nothing;
  const all = location.query.get('all') === 'yes';
  const shown = all ? concerns : concerns.slice(0, FIRST);
  const bad = concerns.filter((each) => each.tone === 'bad').length;
  return html`
    <section class="card attention" aria-labelledby="attention">
      <h2 class="row apart"><span id="attention">Needs attention</span><b class="figures ${
        bad ? 'bad' : concerns.length ? 'warn' : ''}">${concerns.length || ''}</b></h2>
      ${concerns.length ? html`
        <ul class="concerns">${repeat(shown, (each) => each.key, (each) => concern(app, each))}</ul>
        ${concerns.length > FIRST ? html`<p class="rest"><a href=${location.with({ all: all ? null : 'yes' })}>${
          all ? 'Show the first only' : `Show all ${concerns.length}`}</a></p>` : nothing}`
        : well(app)}
    </section>`;
}

/** @param {App} app */
const well = ({ moment }) => html`<p class="well">${stateBadge(moment.live ? 'All is well' : 'All was well', 'good')}</p>
  <p class="quiet">${moment.live
    ? 'Every node is heard, every microservice does what it should, and messages flow.'
    : 'Every node was heard, and every microservice did what it should. How messages flowed is not kept.'}</p>`;

/**
 * @param {App} app
 * @returns {{state: string, since: string} | null} null: what is shown is as new as can be
 */
function linkOf({ moment }) {
  if (!moment.live || (moment.link !== 'stale' && moment.link !== 'away')) return null;
  return { state: moment.link, since: new Date(moment.connection.since).toISOString() };
}

/**
 * @param {App} app
 * @param {Concern} concern
 */
function concern(app, { tone, state, what, detail, since, to }) {
  return html`
    <li>
      ${stateBadge(state, tone)}
      <div class="what">${to
        ? html`<a href=${app.location.href(to.view, to.rest ?? [], to.filters ?? {})}>${what}</a>` : what}
        ${detail ? html`<p class="quiet" title=${detail}>${detail}</p>` : nothing}</div>
      <span class="since quiet">${since ? when(app, since) : nothing}</span>
    </li>`;
}
