/** Instead of an empty list: what would be there, and how to make the first one. */

import { html, nothing } from '../core/html.js';
import { copyButton } from './copy.js';

/**
 * @param {object} said
 * @param {string} said.title
 * @param {string} said.what
 * @param {readonly string[]} [said.commands] to type; what is to be filled in is in capitals
 * @param {unknown} [said.button]
 */
export const nothingYet = ({ title, what, commands = [], button = nothing }) => html`
  <div class="card nothing-yet">
    <h2>${title}</h2>
    <p class="quiet">${what}</p>
    ${commands.map((each) => html`<p class="command"><code>${each}</code>${copyButton(each, `Copy ${each}`)}</p>`)}
    ${button}
  </div>`;
