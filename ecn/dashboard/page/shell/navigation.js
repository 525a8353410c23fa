/** The way to every view: beside the content, or behind a button where there is no room for it. */

import { html, nothing } from '../core/html.js';
import { VIEWS } from '../views/index.js';
import { accountButton } from './account.js';
import { goTo } from './go-to.js';
import { icon } from './icons.js';
import { linkState } from './link.js';

/** @import { App } from '../core/app.js' */
/** @import { View } from '../views/index.js' */

/** Where a view stands that does not say it itself. */
/** @type {Record<string, string>} */
const GROUP_OF = {
  '': '', topology: '', timeline: '', deploy: '',
  applications: 'Applications', microservices: 'Applications', routes: 'Applications',
  nodes: 'Edge', routers: 'Edge', 'public-ports': 'Edge', 'edge-resources': 'Edge', volumes: 'Edge',
  templates: 'Catalog', 'catalog-items': 'Catalog', registries: 'Catalog',
};
const LAST = 'Settings';

/** Whether the navigation is open where it is behind a button. */
let open = false;

/** @param {App} app */
export function navigation(app) {
  const { location } = app;
  /** @param {boolean} whether */
  const be = (whether) => {
    open = whether;
    app.changed();
  };
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    if (event.key !== 'Escape' || !open) return;
    be(false);
    document.getElementById('menu-button')?.focus();
  };
  /** @param {MouseEvent} event */
  const clicked = (event) => {
    if (event.target instanceof Element && event.target.closest('a')) be(false);
  };
  return html`
    <header class="side ${open ? 'open' : ''}" @keydown=${pressed}>
      <div class="side-head">
        <a class="brand" href=${location.href('')} aria-label="ECN, overview">ECN</a>
        ${linkState(app)}
        <button type="button" id="menu-button" class="plain icon-only menu-button" aria-controls="navigation"
          aria-expanded=${open ? 'true' : 'false'} aria-label=${open ? 'Close the menu' : 'Menu'}
          @click=${() => be(!open)}>${icon(open ? 'close' : 'menu')}</button>
      </div>
      <div class="side-body" id="navigation">
        <button type="button" class="go-to" @click=${() => { be(false); goTo(app); }}>
          ${icon('search')}<span>Go to…</span><kbd>/</kbd></button>
        <nav aria-label="Views" @click=${clicked}>
          ${groups(app).map(([name, views]) => html`
            ${name ? html`<h2 class="group" id="group-${name}">${name}</h2>` : nothing}
            <ul aria-labelledby=${name ? `group-${name}` : nothing}>
              ${views.map((each) => html`
                <li><a href=${location.href(each.path)}
                  aria-current=${each.path === location.view ? 'page' : nothing}>${
                  icon(each.path || 'overview')}<span>${each.title}</span></a></li>`)}
            </ul>`)}
        </nav>
        ${accountButton(app)}
      </div>
    </header>`;
}

/**
 * @param {App} app
 * @returns {[string, View[]][]} in the order of the navigation
 */
function groups(app) {
  /** @type {Map<string, View[]>} */
  const found = new Map();
  for (const view of VIEWS) {
    if (!view.nav || !offered(app, view)) continue;
    const said = /** @type {{group?: string}} */ (view).group;
    const group = said ?? GROUP_OF[view.path] ?? LAST;
    found.set(group, [...(found.get(group) ?? []), view]);
  }
  return [...found];
}

/**
 * Whether the one who looks may see that view.
 * @param {App} app
 * @param {View} view
 */
export function offered(app, view) {
  const { role } = /** @type {{role?: string}} */ (view);
  return role === undefined || role === app.session?.role || app.session?.role === 'admin';
}
