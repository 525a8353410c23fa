/** Deploy: a manifest, its plan, and what came of it. */

import { html } from '../core/html.js';
import { may } from '../core/app.js';
import '../acts/deploy-element.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function deploy(app) {
  return html`
    <h1>Deploy</h1>
    ${may(app, 'operator') ? html`<ecn-deploy .app=${app}></ecn-deploy>`
      : app.moment.live ? html`<p class="quiet">You may look. Deploying needs the role operator.</p>`
      : html`<p class="quiet">The past is shown: nothing can be deployed into it.
          <a href=${app.location.with({ at: null })}>Go to now</a></p>`}`;
}
