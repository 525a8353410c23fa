/** A button that copies a text, and says that it did. Also where the browser gives no clipboard (plain http). */

import { html } from '../core/html.js';

/**
 * @param {string | (() => string)} text
 * @param {string} [label]
 */
export const copyButton = (text, label = 'Copy') => html`<button type="button" class="plain copy"
  aria-label=${label} @click=${(/** @type {Event} */ event) =>
    void copied(/** @type {HTMLElement} */ (event.currentTarget), typeof text === 'function' ? text() : text)
  }>Copy</button>`;

/**
 * @param {HTMLElement} button
 * @param {string} text
 */
async function copied(button, text) {
  const done = await copy(text);
  button.dataset['said'] = done ? 'Copied' : 'Select it and copy';
  setTimeout(() => delete button.dataset['said'], 1500);
}

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Only pages over https, or of this machine, have a clipboard: the old way works for all.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'only-read-aloud';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
