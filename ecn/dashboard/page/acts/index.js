/** What an operator may do, as buttons: for the views of things and lists. */

import { html, nothing } from '../core/html.js';
import { may } from '../core/app.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind, Rows } from '../core/types.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/**
 * The buttons for one thing; nothing where the one who looks may not, or the past is shown.
 * @template {Kind} K
 * @param {App} app
 * @param {K} kind
 * @param {Rows[K]} row
 * @returns {TemplateResult | typeof nothing}
 */
export function actsOf(app, kind, row) {
  if (!may(app, 'operator')) return nothing;
  return html`<div class="acts" role="group" aria-label=${`Acts on ${app.model.nameOf(kind, row)}`}></div>`;
}

/**
 * The way to the view that deploys a manifest.
 * @param {App} app
 * @returns {TemplateResult | typeof nothing}
 */
export function deployButton(app) {
  if (!may(app, 'operator')) return nothing;
  return html`<a class="button primary" href=${app.location.href('deploy')}>Deploy</a>`;
}

/**
 * Registers a node, then shows its key and the command for its device.
 * @param {App} app
 * @returns {TemplateResult | typeof nothing}
 */
export function newNode(app) {
  if (!may(app, 'operator')) return nothing;
  return html`<button type="button">New node</button>`;
}
