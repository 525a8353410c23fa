/** The frame around every view: navigation, the moment that is shown, notices. */

import { html } from '../core/html.js';
import { VIEWS } from '../views/index.js';
import { differencesPanel } from './differences.js';
import { linkBanner } from './link.js';
import { navigation } from './navigation.js';
import { shownNotices } from './notices.js';
import { thenBanner } from './then.js';
import { timeBar } from './time-bar.js';

/** @import { App } from '../core/app.js' */
/** @import { View } from '../views/index.js' */

/** @param {App} app */
export function page(app) {
  const { location, model } = app;
  const chosen = VIEWS.find((each) => each.path === location.view);
  const what = location.rest.length ? location.rest.join('/') : chosen?.title ?? 'Not found';
  document.title = `${app.moment.live ? '' : 'Then: '}${what} · ECN`;
  return html`
    <a class="skip" href="#main">To the content</a>
    <div class="frame">
      ${navigation(app)}
      <div class="content">
        ${linkBanner(app)}
        ${thenBanner(app)}
        <div class="stage">
          <main id="main" tabindex="-1" aria-busy=${app.moment.waiting ? 'true' : 'false'}
            class="view-${location.view || 'overview'}">
            ${!model.loaded ? html`<p class="quiet" role="status">Loading</p>`
              : chosen ? shown(app, chosen)
              : html`<h1>There is no such page</h1><p><a href=${location.href('')}>To the overview</a></p>`}
          </main>
          ${differencesPanel(app)}
        </div>
        ${timeBar(app)}
      </div>
    </div>
    ${shownNotices()}`;
}

/**
 * A view that fails must not take the way to the others with it.
 * @param {App} app
 * @param {View} view
 */
function shown(app, view) {
  try {
    return view.show(app, app.location.rest);
  } catch (error) {
    console.error(error);
    return html`<h1>${view.title}</h1><p class="problem" role="alert">This page could not be drawn:
      ${String(error)}</p>`;
  }
}
