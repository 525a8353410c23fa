/** "Go to a moment": a position of the log, or a date and time of the viewer's zone, is typed. */

import { html } from '../core/html.js';
import { count } from '../core/format.js';
import { dialog } from './dialog.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function askForMoment(app) {
  const { moment, model } = app;
  /** @param {string | number} at */
  const go = (at) => {
    app.close();
    app.location.set({ at });
  };
  /** @param {SubmitEvent} event @param {string} name */
  const typed = (event, name) => {
    event.preventDefault();
    return String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get(name) ?? '');
  };
  app.show(dialog(app, 'Go to a moment', html`
    <form class="moment-form" @submit=${(/** @type {SubmitEvent} */ event) => go(typed(event, 'position'))}>
      <label>Position of the log, up to ${count(moment.end)}
        <input name="position" type="number" min="0" max=${moment.end} required autofocus value=${model.position}></label>
      <button class="primary">Show</button>
    </form>
    <form class="moment-form" @submit=${(/** @type {SubmitEvent} */ event) =>
      go(new Date(typed(event, 'time')).toISOString())}>
      <label>Date and time, in your zone
        <input name="time" type="datetime-local" step="1" required value=${local(model.time)}></label>
      <button class="primary">Show</button>
    </form>`, { kind: 'slim', light: true }));
}

/** @param {string | undefined} time @returns {string} as a field of a local time has it */
function local(time) {
  const date = time ? new Date(time) : new Date();
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
