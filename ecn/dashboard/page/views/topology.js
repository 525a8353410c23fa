/** Topology. */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function topology(app) {
  return html`<h1>Topology</h1><p>At ${app.model.position}.</p>`;
}
