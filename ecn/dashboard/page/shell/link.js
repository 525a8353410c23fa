/** Whether what is shown is of now, and if not so, since when: beside the name, and over the content. */

import { html, nothing } from '../core/html.js';
import { exactTime, shortTime, span } from '../core/format.js';
import { icon } from './icons.js';

/** @import { App } from '../core/app.js' */

/** A link that breaks for less milliseconds is not worth a banner. */
const SHORT = 2500;

/** @param {App} app */
export function linkState({ moment }) {
  const [tone, text] = !moment.live ? ['idle', 'The past']
    : moment.link === 'up' ? ['good', 'Live']
    : moment.link === 'stale' ? ['warn', 'Stale']
    : moment.link === 'away' ? ['bad', 'Reconnecting'] : ['busy', 'Connecting'];
  const { heard } = moment.connection;
  const title = heard && moment.live && moment.link !== 'up' ? `last news ${span(Date.now() - heard)} ago` : '';
  return html`<span class="state link ${tone}" title=${title || nothing}>${text}</span>`;
}

/** What has to be said over the content of the link to the controller. @param {App} app */
export function linkBanner({ moment, model }) {
  const { connection } = moment;
  return html`
    <div role="status" class="banners">
      ${moment.live && model.loaded ? trouble(moment.link, connection) : nothing}
      ${connection.version !== connection.firstVersion ? html`
        <p class="banner busy">The controller is now version ${connection.version}; this page is of
          ${connection.firstVersion}. <button type="button" @click=${() => location.reload()}>Reload</button></p>` : nothing}
    </div>`;
}

/**
 * @param {string} link
 * @param {import('../core/connection.js').Connection} connection
 */
function trouble(link, { since, heard }) {
  const passed = Date.now() - since;
  if (link === 'stale') {
    return html`<p class="banner warn">${icon('timeline')}<span>The controller lost its log
      ${at(since)}. This is how it was then; there may be news that it does not have.</span></p>`;
  }
  if (link !== 'away' || passed < SHORT) return nothing;
  return html`<p class="banner bad">${icon('timeline')}<span>The controller does not answer. This is how
    it was ${at(heard)}. <span class="tried" aria-hidden="true">Trying again, for ${span(passed)} now.</span></span></p>`;
}

/** @param {number} time milliseconds since 1970 */
function at(time) {
  const text = new Date(time).toISOString();
  return html`<time datetime=${text} title=${exactTime(text)}>at ${shortTime(text, Date.now())}</time>`;
}
