/** The list of every kind. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind } from '../core/types.js' */

/**
 * @typedef {object} List
 * @property {string} path
 * @property {string} title
 * @property {Kind} kind
 */

/** @type {List[]} */
export const LISTS = [
  { path: 'nodes', title: 'Nodes', kind: 'nodes' },
  { path: 'applications', title: 'Applications', kind: 'applications' },
  { path: 'microservices', title: 'Microservices', kind: 'microservices' },
  { path: 'routes', title: 'Routes', kind: 'routes' },
];

/**
 * @param {App} app
 * @param {List} list
 */
export function things(app, list) {
  const { model, location } = app;
  return html`
    <h1>${list.title}</h1>
    <ul>
      ${[...model.rows[list.kind].values()].map((row) => {
        const name = model.nameOf(list.kind, row);
        return html`<li><a href=${location.href(list.path, name.split('/'))}>${name}</a></li>`;
      })}
    </ul>`;
}
