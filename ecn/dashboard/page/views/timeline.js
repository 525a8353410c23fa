/** Timeline: everything that happened, the newest first, with filters that the URL remembers. */

import { html } from '../core/html.js';
import '../parts/event-stream.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export const timeline = (app) => html`
  <h1>Timeline</h1>
  <ecn-event-stream .app=${app}></ecn-event-stream>`;
