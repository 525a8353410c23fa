/** The fields of the forms of acts. */

import { html, nothing } from '../core/html.js';

/** @import { Input } from './act.js' */

/** @typedef {(more: Input) => void} Set */

/**
 * @param {Input} input
 * @param {Set} set
 * @param {string} name
 * @param {string} label
 * @param {{hint?: string, first?: boolean, rows?: number, code?: boolean}} [how] rows: of several lines
 */
export function field(input, set, name, label, { hint = '', first = false, rows = 0, code = false } = {}) {
  const value = typeof input[name] === 'string' ? input[name] : '';
  /** @param {Event} event */
  const typed = (event) => set({ [name]: /** @type {HTMLInputElement} */ (event.target).value });
  return html`
    <label class="act-field">${label}
      ${rows ? html`<textarea name=${name} rows=${rows} class=${code ? 'code' : ''} .value=${value} ?autofocus=${first} spellcheck="false" @input=${typed}></textarea>`
        : html`<input name=${name} .value=${value} ?autofocus=${first} autocomplete="off" autocapitalize="off" spellcheck="false" @input=${typed}>`}
      ${hint ? html`<small>${hint}</small>` : nothing}</label>`;
}

/**
 * @param {Input} input
 * @param {Set} set
 * @param {string} name
 * @param {string} label
 */
export const check = (input, set, name, label) => html`
  <label class="act-check"><input type="checkbox" name=${name} .checked=${input[name] === true}
    @change=${(/** @type {Event} */ event) => set({ [name]: /** @type {HTMLInputElement} */ (event.target).checked })}> <span>${label}</span></label>`;

/**
 * @param {Input} input
 * @param {Set} set
 * @param {string} name
 * @param {string} label
 * @param {readonly (readonly [string, string])[]} options value and what is read
 */
export const select = (input, set, name, label, options) => html`
  <label class="act-field">${label}
    <select name=${name} autofocus @change=${(/** @type {Event} */ event) => set({ [name]: /** @type {HTMLSelectElement} */ (event.target).value })}>
      ${options.map(([value, text]) => html`<option value=${value} ?selected=${input[name] === value}>${text}</option>`)}
    </select></label>`;
