/** What the drawing shows, in words: for the tip at the pointer, and for who hears it. Pure. */

import { html, nothing } from '../core/html.js';
import { count, rate } from '../core/format.js';
import { stateBadge } from '../parts/state.js';

/** @import { App } from '../core/app.js' */
/** @import { Thing } from './emphasis.js' */
/** @import { Network, Place } from './network.js' */

/**
 * A node in a sentence.
 * @param {Place} place
 */
export function said({ row, parts, failing, group }) {
  const many = parts.length === 1 ? '1 microservice' : `${parts.length} microservices`;
  return [
    `${row.name}${group ? ` in ${group}` : ''}: ${row.state}`, row.offline_reason,
    failing ? `${many}, ${failing} failing` : many, ...row.problems ?? [],
  ].filter(Boolean).join(', ');
}

/**
 * @param {App} app
 * @param {Network} network
 * @param {Thing} thing
 */
export function tip(app, network, { kind, id }) {
  if (kind === 'node') {
    const place = network.places.get(id);
    if (!place) return nothing;
    const bad = place.parts.filter((each) => each.tone === 'bad' || each.tone === 'warn');
    const what = place.parts.length === 1 ? '1 microservice' : `${place.parts.length} microservices`;
    return html`<b>${place.row.name}</b> ${stateBadge(place.row.state)}
      <br><span class="quiet">${what}${place.row.offline_reason ? ` · ${place.row.offline_reason}` : ''}</span>
      ${bad.slice(0, 4).map((each) => html`<br>${each.name} ${stateBadge(each.row.state, each.tone)}`)}
      ${bad.length > 4 ? html`<br><span class="quiet">and ${bad.length - 4} more</span>` : nothing}`;
  }
  if (kind === 'microservice') {
    const part = network.parts.get(id);
    if (!part) return nothing;
    return html`<b>${part.name}</b> ${stateBadge(part.row.state, part.tone)}
      ${part.row.reason ? html`<br><span class="quiet">${part.row.reason}</span>` : nothing}`;
  }
  if (kind === 'route') {
    const path = network.paths.get(id);
    const flow = app.moment.live ? app.model.flows.get(id) : undefined;
    if (!path) return nothing;
    return html`<b>${path.name}</b> ${flow ? stateBadge(flow.state) : nothing}
      ${flow ? html`<br><span class="quiet">${[
        flow.rate_out === undefined ? '' : rate(flow.rate_out),
        flow.stored ? `${count(flow.stored)} stored` : '', flow.reason,
      ].filter(Boolean).join(' · ')}</span>` : nothing}`;
  }
  if (kind === 'router') return html`<b>Interior router</b> carries messages between nodes`;
  return kind === 'upstream' ? html`<b>Upstream</b> out of the network` : html`<b>Controller</b>`;
}
