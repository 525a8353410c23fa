/** How messages go along a route: who → whom, and how many. */

import { html, nothing } from '../core/html.js';
import { bytes, count, rate } from '../core/format.js';
import { stateBadge } from './state.js';

/** @import { App } from '../core/app.js' */
/** @import { Flow, Route } from '../core/types.js' */

/**
 * An end of a route, as a link where it is one microservice.
 * @param {App} app
 * @param {Route} route
 * @param {'source' | 'destination'} end
 */
function endOf(app, route, end) {
  const id = end === 'source' ? route.source_id : route.destination_id;
  if (!id) return html`<span class="end">${end === 'source' ? 'any microservice' : 'upstream'}</span>`;
  const row = app.model.rows.microservices.get(id);
  if (!row) return html`<span class="end quiet">gone</span>`;
  const name = app.model.nameOf('microservices', row);
  const own = row.application_id === route.application_id;
  return html`<a class="end" href=${app.location.href('microservices', name.split('/'))}>${own ? row.name : name}</a>`;
}

/**
 * @param {App} app
 * @param {Route} route
 */
export const arrow = (app, route) => {
  const flow = app.moment.live ? app.model.flows.get(route.id) : undefined;
  const moves = (flow?.rate_in ?? 0) > 0 || (flow?.rate_out ?? 0) > 0;
  return html`<span class="flow ${flow?.state ?? ''}">
    ${endOf(app, route, 'source')}
    <svg class="arrow ${moves ? 'moves' : ''}" viewBox="0 0 48 12" width="48" height="12" role="img" aria-label="to">
      <line x1="0" y1="6" x2="40" y2="6"></line><path d="M39 1.5 L47 6 L39 10.5 Z"></path></svg>
    ${endOf(app, route, 'destination')}
  </span>`;
};

/** @param {Flow | undefined} flow */
export function amounts(flow) {
  if (!flow) return nothing;
  const said = [];
  if (flow.rate_in !== undefined && flow.rate_in !== null) said.push(`${rate(flow.rate_in)} in`);
  if (flow.rate_out !== undefined && flow.rate_out !== null) said.push(`${rate(flow.rate_out)} out`);
  if (flow.stored) said.push(`${count(flow.stored)} stored (${bytes(flow.stored_bytes ?? 0)})`);
  if (flow.dropped) said.push(`${count(flow.dropped)} dropped`);
  return html`<span class="quiet amounts">${said.join(', ')}</span>`;
}

/**
 * Routes as a list.
 * @param {App} app
 * @param {readonly Route[]} routes
 * @param {unknown} [empty]
 */
export function flows(app, routes, empty = nothing) {
  if (!routes.length) return empty;
  return html`<ul class="flows">${routes.map((route) => {
    const flow = app.moment.live ? app.model.flows.get(route.id) : undefined;
    const name = app.model.nameOf('routes', route);
    return html`<li>
      ${arrow(app, route)}
      <a class="name" href=${app.location.href('routes', name.split('/'))}>${route.name}</a>
      ${flow ? stateBadge(flow.state) : nothing}
      ${amounts(flow)}
      ${route.condition ? html`<code class="condition">${route.condition}</code>` : nothing}
      ${flow?.reason ? html`<span class="quiet">${flow.reason}</span>` : nothing}
    </li>`;
  })}</ul>`;
}
