/** One node. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/**
 * @param {App} app
 * @param {string[]} rest its name
 */
export function node(app, rest) {
  const row = app.model.find('nodes', rest.join('/'));
  return html`<h1>${row?.name ?? rest.join('/')}</h1>`;
}
