/** A moment, written for people; the exact one is on hover and for programs that read aloud. */

import { html } from '../core/html.js';
import { ago, exactTime } from '../core/format.js';

/** @import { App } from '../core/app.js' */

/**
 * How long ago it was.
 * @param {App} app
 * @param {string | undefined} time RFC 3339
 */
export const when = (app, time) =>
  time ? html`<time datetime=${time} title=${exactTime(time)}>${ago(time, app.now)}</time>` : html`–`;
