/** Which keys do what. */

import { html } from '../core/html.js';
import { dialog } from './dialog.js';
import { KEYS, letters, setLetters } from './keys.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function help(app) {
  app.show(() => dialog(app, 'Keyboard', html`
    <dl class="keys">
      <dt><kbd>Ctrl</kbd> <kbd>K</kbd></dt><dd>The same as <kbd>/</kbd>, also while typing</dd>
      ${KEYS.map((each) => html`
        <dt>${each.keys.map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${each.does}</dd>`)}
      <dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>On the slider of time: one event; with <kbd>Page ↑</kbd>
        and <kbd>Page ↓</kbd> a hundredth of the log</dd>
      <dt><kbd>Esc</kbd></dt><dd>Close what is open</dd>
    </dl>
    <label class="check"><input type="checkbox" .checked=${letters()}
      @change=${(/** @type {Event} */ event) => {
        setLetters(/** @type {HTMLInputElement} */ (event.target).checked);
        app.changed();
      }}> Single keys act, without Ctrl</label>`, { light: true }));
}
