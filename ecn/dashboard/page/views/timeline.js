/** Timeline. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function timeline(app) {
  return html`<h1>Timeline</h1><p>At ${app.model.position}.</p>`;
}
