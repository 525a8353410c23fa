/** The acts that are seldom needed, behind one button. Closed by Escape, and by going elsewhere. */

import { html } from '../core/html.js';

/** @param {readonly unknown[]} buttons templates */
export const more = (buttons) => html`
  <details class="acts-more" @keydown=${escaped} @focusout=${left}>
    <summary class="button" aria-label="More acts">More</summary>
    <div class="acts-menu" @click=${chosen}>${buttons}</div>
  </details>`;

/** @param {Event} event */
const menuOf = (event) => /** @type {HTMLDetailsElement} */ (
  /** @type {Element} */ (event.currentTarget).closest('details'));

/** @param {KeyboardEvent} event */
function escaped(event) {
  const menu = menuOf(event);
  if (event.key !== 'Escape' || !menu.open) return;
  event.stopPropagation();
  menu.open = false;
  menu.querySelector('summary')?.focus();
}

/** @param {FocusEvent} event */
function left(event) {
  const menu = menuOf(event);
  if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) menu.open = false;
}

/** @param {Event} event */
function chosen(event) {
  menuOf(event).open = false;
}
