/** Links to what events and answers are about: `<kind>/<id>`, as the log names it. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind } from '../core/types.js' */

/** @type {Record<string, {path: string, kind: Kind}>} of subjects: the view, and the rows */
const PLACES = {
  node: { path: 'nodes', kind: 'nodes' },
  application: { path: 'applications', kind: 'applications' },
  microservice: { path: 'microservices', kind: 'microservices' },
  route: { path: 'routes', kind: 'routes' },
  registry: { path: 'registries', kind: 'registries' },
  'catalog-item': { path: 'catalog-items', kind: 'catalog_items' },
  template: { path: 'templates', kind: 'templates' },
  'edge-resource': { path: 'edge-resources', kind: 'edge_resources' },
  volume: { path: 'volumes', kind: 'volumes' },
  network: { path: 'network', kind: 'network' },
};

/** @param {string} subject */
export const kindOf = (subject) => subject.split('/', 1)[0] ?? '';

/** @param {string} subject */
export const refOf = (subject) => subject.split('/').slice(1).join('/');

/**
 * By id, as events name it, whether it was given by name or by id.
 * @param {App} app
 * @param {string} subject
 */
export function byId(app, subject) {
  const place = PLACES[kindOf(subject)];
  const row = place && app.model.find(place.kind, refOf(subject));
  return row ? `${kindOf(subject)}/${row.id}` : subject;
}

/**
 * What people call it.
 * @param {App} app
 * @param {string} subject
 * @param {string} [name] that it is known to have had
 */
export function nameOfSubject(app, subject, name) {
  const place = PLACES[kindOf(subject)];
  const row = place && app.model.rows[place.kind].get(refOf(subject));
  return place && row ? app.model.nameOf(place.kind, row) : name || refOf(subject);
}

/**
 * A link to it, if it has a page of its own.
 * @param {App} app
 * @param {string} subject
 * @param {string} [name]
 */
export function subjectLink(app, subject, name) {
  const place = PLACES[kindOf(subject)];
  const text = nameOfSubject(app, subject, name);
  if (!place) return html`<span>${text}</span>`;
  return html`<a href=${app.location.href(place.path, text.split('/'))}>${text}</a>`;
}

/**
 * A link to the same view as it was right after that event.
 * @param {App} app
 * @param {number} position
 * @param {string} [text]
 */
export const momentLink = (app, position, text = `${position}`) =>
  html`<a class="moment" href=${app.location.with({ at: position })}
    title="Show the network right after event ${position}">${text}</a>`;
