/** What is in the dialog of an act: its form, its plan, the button that does it, and what came of it. */

import { html, keyed, nothing, render } from '../core/html.js';
import { dialog } from '../shell/dialog.js';
import { Course } from './course.js';
import { planView } from './plan.js';
import { Following } from './result.js';

/** @import { App } from '../core/app.js' */
/** @import { Problem } from '../core/api.js' */
/** @import { Act } from './act.js' */

/**
 * Puts the act's dialog over the page.
 * @param {App} app
 * @param {Act} act
 */
export const ask = (app, act) =>
  app.show(dialog(app, act.title, keyed(act, html`<ecn-act .app=${app} .act=${act}></ecn-act>`)));

class ActElement extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** @type {Act | undefined} */
    this.act = undefined;
    /** @type {Course | undefined} */
    this.course = undefined;
    this._following = new Following();
    this._shown = new AbortController();
    this._told = false;
  }

  connectedCallback() {
    const { app, act } = this;
    if (!app || !act) return;
    this._shown = new AbortController();
    this.course = new Course(app, act, () => this.draw());
    addEventListener('drawn', () => {
      this.course?.look();
      this.draw();
    }, { signal: this._shown.signal });
    this.draw();
  }

  disconnectedCallback() {
    this._shown.abort();
    this.course?.end();
  }

  draw() {
    const { app, act, course } = this;
    if (!app || !act || !course || !this.isConnected) return;
    render(course.stage === 'done' ? this._done(app, act, course) : this._before(app, act, course), this);
    if (course.stage === 'done' && !this._told) {
      // What had the focus is gone.
      this._told = true;
      /** @type {HTMLElement | null} */ (this.querySelector('.act-buttons button'))?.focus();
    }
  }

  /** @param {App} app @param {Act} act @param {Course} course */
  _before(app, act, course) {
    const busy = course.stage === 'doing';
    const confirm = act.confirm?.(course.input) ?? act.title;
    const { danger } = course;
    /** @param {Event} event */
    const submit = (event) => {
      event.preventDefault();
      // What loses something is done by its button alone, never by Enter in a field.
      if (!danger) void course.go();
    };
    return html`
      <form class="act" @submit=${submit} aria-busy=${busy ? 'true' : 'false'}>
        ${act.explains ? html`<p>${act.explains}</p>` : nothing}
        ${act.form && course.stage === 'before' ? act.form(app, course.input, (more) => course.set(more)) : nothing}
        ${course.note ? html`<p class="plan-note warn" role="status">${course.note}</p>` : nothing}
        ${course.problem ? problemView(course.problem) : nothing}
        ${act.plan ? html`<section class="act-plan" aria-label="Plan">
          ${course.plan ? planView(course.plan)
            : course.planning ? html`<p class="quiet">Working out the plan …</p>`
            : course.missing ? html`<p class="quiet">${course.missing}</p>` : nothing}</section>`
          : course.missing ? html`<p class="quiet">${course.missing}</p>` : nothing}
        ${unsureView(course)}
        <div class="act-foot">
        ${act.typed ? html`
          <label class="act-typed"><span>To confirm, type <b>${act.typed}</b></span>
            <input name="typed" autocomplete="off" autocapitalize="off" spellcheck="false" ?disabled=${busy}
              @input=${(/** @type {InputEvent} */ event) => {
                course.input = { ...course.input, typed: /** @type {HTMLInputElement} */ (event.target).value };
                this.draw();
              }}></label>` : nothing}
        <div class="act-buttons">
          <button type="button" ?autofocus=${!act.form} @click=${app.close}>${busy ? 'Close' : 'Cancel'}</button>
          ${course.stage === 'unsure'
            ? html`<button type="button" class="primary" @click=${() => void course.go()}>Try again</button>`
            : html`<button type=${danger ? 'button' : 'submit'} class=${danger ? 'danger confirm' : 'primary confirm'}
                ?disabled=${!course.ready} @click=${danger ? () => void course.go() : nothing}>${busy ? 'Doing it …' : confirm}</button>`}
        </div></div>
      </form>`;
  }

  /** @param {App} app @param {Act} act @param {Course} course */
  _done(app, act, course) {
    const result = course.result;
    return html`
      <div class="act" @click=${(/** @type {MouseEvent} */ event) => followed(app, event)}>
        ${this._following.view(app, course)}
        ${act.after && result ? act.after(app, result, course.input) : nothing}
        <div class="act-foot act-buttons"><button type="button" class="primary" @click=${app.close}>Close</button></div>
      </div>`;
  }
}

/**
 * A link to another view leads out of the dialog.
 * @param {App} app
 * @param {MouseEvent} event
 */
function followed(app, event) {
  const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!elsewhere && event.target instanceof Element && event.target.closest('a')) app.close();
}

/**
 * That nobody knows whether it was done.
 * @param {Course} course
 */
export const unsureView = (course) => (course.maybeDone ? html`
  <p class="plan-note warn" role="alert">No answer came: it may have been done, or not. Trying again is safe: it is never
    done twice.</p>` : nothing);

/** @param {Problem} problem */
export const problemView = (problem) => html`
  <div class="plan-note bad" role="alert">
    <p>${problem.message}</p>
    ${problem.nextStep ? html`<p class="quiet">${problem.nextStep}</p>` : nothing}
  </div>`;

customElements.define('ecn-act', ActElement);
