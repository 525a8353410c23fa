/** The frame around every view: navigation, the moment that is shown, notices. */

import { html, nothing } from '../core/html.js';
import { VIEWS } from '../views/index.js';
import { shownNotices } from './notices.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function page(app) {
  const { location, model } = app;
  const chosen = VIEWS.find((each) => each.path === location.view);
  const title = chosen?.title ?? 'Not found';
  document.title = `${title} · ECN`;
  return html`
    <a class="skip" href="#main">To the content</a>
    <header class="top">
      <a class="brand" href=${location.href('')}>ECN</a>
      <nav aria-label="Views">
        ${VIEWS.filter((each) => each.nav).map((each) => html`
          <a href=${location.href(each.path)}
            aria-current=${each.path === location.view ? 'page' : nothing}>${each.title}</a>`)}
      </nav>
    </header>
    <main id="main" tabindex="-1">
      ${!model.loaded ? html`<p class="quiet">Loading</p>`
        : chosen ? chosen.show(app, location.rest) : html`<p>There is no such page.</p>`}
    </main>
    ${shownNotices()}`;
}
