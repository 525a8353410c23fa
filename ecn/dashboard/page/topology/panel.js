/** What is selected in the drawing, in brief, with the way to all about it. Pure. */

import { html, nothing } from '../core/html.js';
import { count, mebibytes, percent, rate } from '../core/format.js';
import { stateBadge, toneOf } from '../parts/state.js';
import { when } from '../parts/time.js';
import { pathsOf } from './emphasis.js';

/** @import { App } from '../core/app.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */
/** @import { Thing } from './emphasis.js' */
/** @import { Network, Part, Path } from './network.js' */

/** Longer lists are for the page of the thing itself. */
const MOST = 60;

/** @typedef {TemplateResult | string | typeof nothing} Shown */

/**
 * @param {App} app
 * @param {Network} network
 * @param {Thing} thing
 */
export function panel(app, network, thing) {
  const content = bodyOf(app, network, thing);
  return html`
    <aside class="topology-panel" aria-label="Selected">
      <a class="topology-close" href=${app.location.with({ sel: null })} aria-label="Close"
        title="Close (Escape)">✕</a>
      ${content}
    </aside>`;
}

/**
 * @param {App} app
 * @param {Network} network
 * @param {Thing} thing
 */
function bodyOf(app, network, thing) {
  const paths = pathsOf(network, thing);
  switch (thing.kind) {
    case 'node': return aboutNode(app, network, thing.id, paths);
    case 'microservice': return aboutPart(app, network, thing.id, paths);
    case 'route': return aboutRoute(app, network, thing.id);
    case 'upstream': return html`
      <h2>Upstream</h2>
      <p class="quiet">Out of the network, to your own consumers.</p>
      ${listOfPaths(app, paths)}`;
    case 'router': return aboutRouter(app);
    default: return html`
      <h2>Controller</h2>
      ${facts([
        ['Nodes', count(network.places.size)],
        ['Online', count([...network.places.values()].filter(({ row }) => row.state === 'online').length)],
        ['Position', count(app.model.position)],
      ])}
      <p><a href=${app.location.href('timeline')}>What happened</a></p>`;
  }
}

/**
 * @param {App} app
 * @param {Network} network
 * @param {string} id
 * @param {Path[]} paths
 */
function aboutNode(app, network, id, paths) {
  const place = network.places.get(id);
  if (!place) return nothing;
  const { row, parts } = place;
  const { nodeUsage } = app.model;
  const usage = app.moment.live ? nodeUsage.get(id) : undefined;
  return html`
    <p class="quiet">Node</p>
    <h2>${row.name}</h2>
    <p>${stateBadge(row.state)} ${when(app, row.since)}</p>
    ${row.offline_reason ? html`<p>${row.offline_reason}</p>` : nothing}
    ${(row.problems ?? []).map((each) => html`<p class="topology-problem">${each}</p>`)}
    ${facts([
      ['Location', row.location],
      ['Group', place.group],
      ['Device', [row.operating_system, row.architecture].filter(Boolean).join(' · ')],
      ['CPU', usage?.cpu_percent === undefined ? '' : percent(usage.cpu_percent)],
      ['Memory', usage?.memory_available_mib === undefined ? ''
        : `${mebibytes(usage.memory_available_mib)} free`],
    ])}
    <p><a class="button" href=${app.location.href('nodes', [row.name])}>All about this node</a></p>
    <h3>Microservices <span class="quiet">${parts.length}</span></h3>
    ${listOfParts(app, parts)}
    ${listOfPaths(app, paths)}`;
}

/**
 * @param {App} app
 * @param {Network} network
 * @param {string} id
 * @param {Path[]} paths
 */
function aboutPart(app, network, id, paths) {
  const part = network.parts.get(id);
  if (!part) return nothing;
  const { row } = part;
  const { model, location } = app;
  const node = model.rows.nodes.get(row.node_id);
  const application = model.rows.applications.get(row.application_id);
  const usage = app.moment.live ? model.containerUsage.get(id) : undefined;
  return html`
    <p class="quiet">Microservice</p>
    <h2>${part.name}</h2>
    <p>${stateBadge(row.state)} ${row.health && row.health !== 'none' ? stateBadge(row.health) : nothing}
      ${when(app, row.at)}</p>
    ${row.reason ? html`<p class="topology-problem">${row.reason}</p>` : nothing}
    ${facts([
      ['Node', node ? html`<a href=${location.with({ sel: `node/${node.name}` })}>${node.name}</a>` : ''],
      ['Application', application
        ? html`<a href=${location.href('applications', [application.name])}>${application.name}</a>` : ''],
      ['Image', row.image],
      ['Restarts', row.restarts ? count(row.restarts) : ''],
      ['Exit code', row.exit_code === undefined ? '' : String(row.exit_code)],
      ['CPU', usage?.cpu_percent === undefined ? '' : percent(usage.cpu_percent)],
      ['Memory', usage?.memory_mib === undefined ? '' : mebibytes(usage.memory_mib)],
    ])}
    <p><a class="button" href=${location.href('microservices', part.name.split('/'))}>All about
      this microservice</a></p>
    ${listOfPaths(app, paths)}`;
}

/**
 * @param {App} app
 * @param {Network} network
 * @param {string} id
 */
function aboutRoute(app, network, id) {
  const path = network.paths.get(id);
  if (!path) return nothing;
  const { row } = path;
  const flow = app.moment.live ? app.model.flows.get(id) : undefined;
  const end = (/** @type {string | undefined} */ of, /** @type {string} */ otherwise) => {
    const part = of ? network.parts.get(of) : null;
    return part ? html`<a href=${app.location.with({ sel: `microservice/${part.name}` })}>${part.name}</a>`
      : otherwise;
  };
  return html`
    <p class="quiet">Route</p>
    <h2>${path.name}</h2>
    ${flow ? html`<p>${stateBadge(flow.state)}</p>` : nothing}
    ${flow?.reason ? html`<p class="topology-problem">${flow.reason}</p>` : nothing}
    ${facts([
      ['From', end(row.source_id, 'any microservice of the application')],
      ['To', end(row.destination_id, 'upstream')],
      ['Condition', row.condition ? html`<code>${row.condition}</code>` : ''],
      ['In', flow?.rate_in === undefined ? '' : rate(flow.rate_in)],
      ['Out', flow?.rate_out === undefined ? '' : rate(flow.rate_out)],
      ['Stored', flow?.stored ? count(flow.stored) : ''],
      ['Dropped', flow?.dropped ? count(flow.dropped) : ''],
    ])}
    <p><a class="button" href=${app.location.href('routes', path.name.split('/'))}>All about
      this route</a></p>`;
}

/** @param {App} app */
function aboutRouter({ model, moment }) {
  const { state, reason } = model.interiorRouter;
  return html`
    <h2>Interior router</h2>
    <p class="quiet">Carries messages between nodes and upstream.</p>
    ${moment.live ? html`<p>${stateBadge(state)}</p>` : html`<p>Its state then is not known.</p>`}
    ${moment.live && reason ? html`<p class="topology-problem">${reason}</p>` : nothing}`;
}

/**
 * @param {App} app
 * @param {readonly Part[]} parts
 */
function listOfParts({ location }, parts) {
  if (!parts.length) return html`<p class="quiet">None</p>`;
  return html`<ul class="topology-things">${parts.slice(0, MOST).map((part) => html`
    <li><a href=${location.with({ sel: `microservice/${part.name}` })}>${part.name}</a>
      ${stateBadge(part.row.health === 'unhealthy' ? 'unhealthy' : part.row.state)}</li>`)}
    ${more(parts.length)}</ul>`;
}

/**
 * @param {App} app
 * @param {readonly Path[]} paths
 */
function listOfPaths({ location, model, moment }, paths) {
  return html`
    <h3>Routes <span class="quiet">${paths.length}</span></h3>
    ${paths.length ? html`<ul class="topology-things">${paths.slice(0, MOST).map((path) => {
      const flow = moment.live ? model.flows.get(path.id) : undefined;
      return html`<li><a href=${location.with({ sel: `route/${path.name}` })}>${path.name}</a>
        ${flow ? stateBadge(flow.state, toneOf(flow.state)) : nothing}</li>`;
    })}${more(paths.length)}</ul>` : html`<p class="quiet">None</p>`}`;
}

/** @param {number} all */
const more = (all) => (all > MOST ? html`<li class="quiet">and ${count(all - MOST)} more</li>` : nothing);

/** @param {[string, unknown][]} all those that have a value are shown */
const facts = (all) => html`<dl class="facts">${all.filter(([, value]) => value).map(([name, value]) =>
  html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
