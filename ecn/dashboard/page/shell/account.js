/** Who looks, in which colours, and the way out. */

import { html } from '../core/html.js';
import { help } from './help.js';
import { icon } from './icons.js';
import { choose, theme, THEMES } from './theme.js';

/** @import { App } from '../core/app.js' */
/** @import { Theme } from './theme.js' */

/** @type {Record<Theme, string>} */
const NAMES = { system: 'System', light: 'Light', dark: 'Dark' };

/** @param {App} app */
export const accountButton = (app) => html`
  <div class="account">
    <button type="button" class="plain account-button" popovertarget="account">
      ${icon('user')}<span class="account-name">${app.session?.user}</span>
      <span class="quiet">${app.session?.role}</span></button>
    <div id="account" popover class="menu" aria-label="Account">
      <fieldset class="theme">
        <legend>Colours</legend>
        ${THEMES.map((each) => html`
          <label><input type="radio" name="theme" .checked=${theme() === each}
            @change=${() => { choose(each); app.changed(); }}><span>${NAMES[each]}</span></label>`)}
      </fieldset>
      <button type="button" class="plain" @click=${() => { shut(); help(app); }}>Keyboard help</button>
      <a class="button plain" href="/api/v1/docs" target="_blank" rel="noopener">API documentation</a>
      <button type="button" class="plain" @click=${() => logOut(app)}>Log out</button>
    </div>
  </div>`;

const shut = () => document.getElementById('account')?.hidePopover();

/** @param {App} app */
async function logOut(app) {
  shut();
  const { moment } = app;
  // The stream would be cut by the controller: that is told as a fault in the browser's console.
  moment.leave();
  try {
    await app.api.send('DELETE', '/session');
  } catch (error) {
    app.tell(/** @type {Error} */ (error).message, { bad: true });
    if (moment.live) void moment.to(null);
    return;
  }
  // Nothing of what was seen stays.
  app.api.csrfToken = '';
  location.assign('/dashboard/');
}
