/** Overview. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function overview(app) {
  return html`<h1>Overview</h1><p>At ${app.model.position}.</p>`;
}
