/** A manifest is written, pasted or brought as a file; its plan stands beside it; then it is deployed. */

import { html, nothing, render } from '../core/html.js';
import { problemView, unsureView } from './act-dialog.js';
import { Course } from './course.js';
import { deployment, example, offsetOf } from './manifest.js';
import { planView } from './plan.js';
import { Following } from './result.js';

/** @import { App } from '../core/app.js' */
/** @import { Fault } from './plan-types.js' */

/** Milliseconds of quiet after which what is typed is planned. */
const TYPED = 500;
/** Bytes of a file: the controller takes no more. */
const LARGEST = 1 << 20;

/** What is written stays while one looks at something else. */
let kept = { name: 'manifest', text: '' };

class DeployElement extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** @type {Course | undefined} */
    this.course = undefined;
    this._following = new Following();
    this._shown = new AbortController();
    this._timer = 0;
    this._over = false;
    /** Why a file could not be taken. */
    this._fault = '';
  }

  connectedCallback() {
    this._shown = new AbortController();
    addEventListener('drawn', () => {
      this.course?.look();
      this.draw();
    }, { signal: this._shown.signal });
    this._anew();
  }

  disconnectedCallback() {
    this._shown.abort();
    clearTimeout(this._timer);
    this.course?.end();
  }

  /** A course for what is written now. */
  _anew() {
    clearTimeout(this._timer);
    this.course?.end();
    this._following = new Following();
    if (this.app) this.course = new Course(this.app, deployment(kept), () => this.draw());
    this.draw();
  }

  /** @param {string} text @param {string} [name] */
  _write(text, name = kept.name) {
    kept = { name, text };
    this._fault = '';
    const area = this.querySelector('textarea');
    if (area && area.value !== text) area.value = text;
    this._anew();
  }

  /** @param {InputEvent} event */
  _typed(event) {
    kept = { name: kept.name, text: /** @type {HTMLTextAreaElement} */ (event.target).value };
    this._fault = '';
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._anew(), TYPED);
    this.course?.end();
    this.course = undefined;
    this.draw();
  }

  /** @param {FileList | null | undefined} files */
  async _brought(files) {
    const [file] = files ?? [];
    if (!file) return;
    if (file.size > LARGEST) {
      this._fault = `${file.name} is larger than 1 MiB: no manifest is.`;
      return this.draw();
    }
    this._write(await file.text(), file.name);
  }

  /** @param {boolean} over */
  _dragged(over) {
    this._over = over;
    this.draw();
  }

  draw() {
    const { app, course } = this;
    if (!app || !this.isConnected) return;
    render(html`
      <div class="deploy">
        <section class="card deploy-text" aria-label="Manifest">${this._text(app)}</section>
        <section class="card deploy-plan" aria-label="Plan">
          ${course?.stage === 'done' ? this._done(app, course) : this._plan(course)}</section>
      </div>`, this);
  }

  /** @param {App} app */
  _text(app) {
    const { course } = this;
    const busy = course?.stage === 'doing' || course?.stage === 'unsure';
    return html`
      <div class="row apart deploy-tools">
        <label class="button file">Choose a file<input type="file" class="only-read-aloud" accept=".yaml,.yml,.json,application/json,application/yaml"
          ?disabled=${busy} @change=${(/** @type {Event} */ event) => {
            const input = /** @type {HTMLInputElement} */ (event.target);
            void this._brought(input.files).then(() => { input.value = ''; });
          }}></label>
        <span class="quiet deploy-name">${kept.name === 'manifest' ? 'or drop one here, or paste' : kept.name}</span>
        <button type="button" class="plain" ?disabled=${busy} @click=${() => this._write(example(aNode(app)), 'manifest')}>Example</button>
      </div>
      <textarea class="code ${this._over ? 'over' : ''}" aria-label="Manifest: YAML or JSON, of one or several documents" spellcheck="false"
        placeholder=${'apiVersion: ecn/v1\nkind: Application\nmetadata: {name: …}\nspec: …'} .value=${kept.text} ?disabled=${busy}
        @input=${(/** @type {InputEvent} */ event) => this._typed(event)}
        @dragover=${(/** @type {DragEvent} */ event) => { event.preventDefault(); this._dragged(true); }}
        @dragleave=${() => this._dragged(false)}
        @drop=${(/** @type {DragEvent} */ event) => {
          if (!event.dataTransfer?.files.length) return;
          event.preventDefault();
          this._dragged(false);
          void this._brought(event.dataTransfer.files);
        }}></textarea>
      ${this._fault ? html`<p class="plan-note bad" role="alert">${this._fault}</p>` : nothing}
      <p class="quiet small">Manifests of ECN (<code>ecn/v1</code>) and of Eclipse ioFog, several divided by <code>---</code>.
        In a terminal: <code>ecn deploy -f FILE</code>.</p>`;
  }

  /** @param {Course | undefined} course none while one types */
  _plan(course) {
    const busy = course?.stage === 'doing';
    const unsure = course?.stage === 'unsure';
    return html`
      <h2>Plan</h2>
      ${course?.note ? html`<p class="plan-note warn" role="status">${course.note}</p>` : nothing}
      ${course?.problem ? problemView(course.problem) : nothing}
      ${course?.faults.length ? this._faults(course.faults) : nothing}
      ${!course ? html`<p class="quiet">…</p>`
        : course.plan ? planView(course.plan)
        : course.planning ? html`<p class="quiet">Working out the plan …</p>`
        : course.missing ? html`<p class="quiet">${course.missing}</p>` : nothing}
      ${course ? unsureView(course) : nothing}
      <div class="act-buttons">${course?.idle && !course.problem ? html`<span class="quiet">Everything is as it says already.</span>` : nothing}
        <button type="button" class=${course?.danger ? 'danger confirm' : 'primary confirm'} ?disabled=${!unsure && !course?.ready}
          @click=${() => void course?.go()}>${busy ? 'Deploying …' : unsure ? 'Try again' : confirmOf(course)}</button></div>`;
  }

  /** @param {Fault[]} faults */
  _faults(faults) {
    return html`
      <div class="plan-note bad" role="status">
        <p>${faults.length === 1 ? 'This can’t be read:' : `This can’t be read, for ${faults.length} reasons:`}</p>
        <ul class="faults">${faults.map((each) => html`
          <li><button type="button" class="plain" @click=${() => this._goTo(each)}>line ${each.line}</button>
            <span>${each.says}</span></li>`)}</ul>
      </div>`;
  }

  /** @param {Fault} fault */
  _goTo(fault) {
    const area = this.querySelector('textarea');
    if (!area) return;
    const begin = offsetOf(area.value, fault.line, fault.column);
    const end = area.value.indexOf('\n', begin);
    area.focus();
    area.setSelectionRange(begin, end < 0 ? area.value.length : end);
  }

  /** @param {App} app @param {Course} course */
  _done(app, course) {
    return html`
      <h2>Deployed</h2>
      ${this._following.view(app, course)}
      <div class="act-buttons"><button type="button" class="primary" @click=${() => this._anew()}>Plan again</button></div>`;
  }
}

/** @param {Course | undefined} course */
function confirmOf(course) {
  const about = course?.plan?.changes.filter((each) => each.events.length) ?? [];
  return about.length === 1 ? `Deploy ${about[0]?.about}` : about.length ? `Deploy ${about.length} things` : 'Deploy';
}

/** A node that could run an example. @param {App} app */
const aNode = (app) => {
  const nodes = [...app.model.rows.nodes.values()];
  return (nodes.find((each) => each.state === 'online') ?? nodes[0])?.name ?? 'edge-1';
};

customElements.define('ecn-deploy', DeployElement);
