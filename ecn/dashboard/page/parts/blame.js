/** Which event gave each field of something the value that it has. */

import { html } from '../core/html.js';
import { fetched } from './document.js';
import { momentLink } from './subject.js';
import { when } from './time.js';
import { pathText, valueText } from './value.js';

/** @import { App } from '../core/app.js' */
/** @import { EventGlance } from './why.js' */

/**
 * @typedef {object} Blame
 * @property {number} position
 * @property {{path: string, value: unknown, is_default: boolean, event: EventGlance}[]} fields
 */

/**
 * @param {App} app
 * @param {string} subject `<kind>/<id>`
 */
export const blame = (app, subject) => fetched(app, {
  path: `/blame/${subject}`,
  about: [subject],
  show: (/** @type {Blame} */ document) => {
    const said = document.fields.filter((each) => !each.is_default);
    return html`<div class="scrolls" tabindex="0" role="group"
    aria-label="Who set each field"><table class="blame">
      <caption class="only-read-aloud">Who set each field</caption>
      <thead><tr><th scope="col">Field</th><th scope="col">Value</th><th scope="col" class="number">Event</th>
        <th scope="col">When</th><th scope="col">Who</th></tr></thead>
      <tbody>${said.map(({ path, value, event }) => html`<tr>
        <td><code>${pathText(path)}</code></td>
        <td class="value">${valueText(value)}</td>
        <td class="number">${momentLink(app, event.position)}</td>
        <td class="nowrap">${when(app, event.time)}</td>
        <td>${event.actor_name}</td>
      </tr>`)}</tbody></table></div>`;
  },
});
