/** What the controller refused, in a view: what it was, and what to do about it. */

import { html, nothing } from '../core/html.js';

/** @import { Problem } from '../core/api.js' */

/** @param {Problem} problem */
export const problemNote = (problem) => html`
  <p class="note bad" role="status">
    <span>${problem.message}</span>
    ${problem.nextStep ? html`<span class="quiet">${problem.nextStep}</span>` : nothing}
  </p>`;
