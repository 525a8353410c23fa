/** Deploy. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function deploy(app) {
  return html`<h1>Deploy</h1><p>At ${app.model.position}.</p>`;
}
