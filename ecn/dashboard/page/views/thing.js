/** One thing of any other kind. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/**
 * @param {App} _app
 * @param {string} path of its list
 * @param {string[]} rest its name
 */
export function thing(_app, path, rest) {
  return html`<h1>${path} ${rest.join('/')}</h1>`;
}
