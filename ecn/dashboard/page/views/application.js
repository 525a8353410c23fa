/** One application. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/**
 * @param {App} app
 * @param {string[]} rest its name
 */
export function application(app, rest) {
  const row = app.model.find('applications', rest.join('/'));
  return html`<h1>${row?.name ?? rest.join('/')}</h1>`;
}
