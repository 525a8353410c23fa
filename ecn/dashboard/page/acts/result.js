/** What came of an act: its events in the log, and how far the devices have followed. */

import { html, nothing } from '../core/html.js';
import { span } from '../core/format.js';
import { eventLine } from '../parts/event.js';
import { steps } from './progress.js';

/** @import { App } from '../core/app.js' */
/** @import { Changed } from '../core/types.js' */
/** @import { Course } from './course.js' */
/** @import { Step } from './progress.js' */

/** More events, or containers, than this are only counted. */
const MOST = 20;
const MARKS = { done: '✓', waits: '…', told: '→', trouble: '!' };

/** Follows one act; remembers when each container was as wanted. */
export class Following {
  constructor() {
    /** @type {Map<string, number>} milliseconds after the act */
    this._after = new Map();
  }

  /**
   * @param {App} app
   * @param {Course} course one that is done
   */
  view(app, course) {
    const result = /** @type {Changed} */ (course.result);
    return html`
      <div class="result">
        <p class="result-head" role="status"><span class="result-mark" aria-hidden="true">✓</span> ${headline(result)}</p>
        ${this._events(app, result)}
        ${course.plan ? this._steps(app, course) : nothing}
      </div>`;
  }

  /** @param {App} app @param {Changed} result */
  _events(app, result) {
    if (result.events.length === 0) return nothing;
    const lines = app.model.events.filter((each) => each.command_id === result.command_id);
    const link = html`<p><a href=${app.location.href('timeline', [], { command_id: result.command_id })}>Show it in the timeline</a></p>`;
    if (lines.length < Math.min(result.events.length, MOST)) {
      return html`<ul class="result-events">${result.events.slice(0, MOST).map((type, i) => html`
        <li><code>${type}</code> <span class="quiet">at ${result.position - result.events.length + 1 + i}</span></li>`)}</ul>${link}`;
    }
    const shown = lines.slice(0, MOST);
    return html`
      <ul class="result-events">${shown.map((line) => html`<li>${eventLine(app, line)}</li>`)}
        ${result.events.length > shown.length ? html`<li class="quiet">and ${result.events.length - shown.length} more</li>` : nothing}
      </ul>${link}`;
  }

  /** @param {App} app @param {Course} course */
  _steps(app, course) {
    const plan = course.plan;
    const result = /** @type {Changed} */ (course.result);
    if (!plan || result.events.length === 0 || !app.moment.live) return nothing;
    const found = steps(app.model, plan);
    if (found.length === 0) return nothing;
    // What is known is from before the act, until the page has followed.
    if (app.model.position < result.position) return html`<p class="quiet">The page follows …</p>`;
    for (const each of found) {
      const key = keyOf(each);
      if (each.how !== 'done') this._after.delete(key);
      else if (!this._after.has(key)) this._after.set(key, Date.now() - course.doneAt);
    }
    const counted = found.filter((each) => each.how !== 'told');
    const done = counted.filter((each) => each.how === 'done').length;
    const last = Math.max(0, ...this._after.values());
    const order = { trouble: 0, waits: 1, done: 2, told: 3 };
    const sorted = found.length > MOST ? [...found].sort((a, b) => order[a.how] - order[b.how]) : found;
    return html`
      <h3>On the devices</h3>
      ${counted.length ? html`<p role="status" aria-live="polite">${done === counted.length
        ? `${counted.length === 1 ? 'It is' : `All ${counted.length} are`} as wanted, after ${span(last)}.`
        : `${done} of ${counted.length} as wanted.`}</p>` : nothing}
      <ul class="followed">${sorted.slice(0, MOST).map((each) => this._step(app, each))}
        ${sorted.length > MOST ? html`<li class="quiet">and ${sorted.length - MOST} more</li>` : nothing}</ul>`;
  }

  /** @param {App} app @param {Step} step */
  _step(app, step) {
    const after = this._after.get(keyOf(step));
    const there = app.model.find('microservices', step.name);
    return html`
      <li class="follows ${step.how}"><span class="follows-mark" aria-hidden="true">${MARKS[step.how]}</span>
        ${there ? html`<a href=${app.location.href('microservices', step.name.split('/'))}>${step.name}</a>` : html`<span>${step.name}</span>`}
        <span class="quiet">${step.says}${after === undefined ? '' : ` after ${span(after)}`}</span></li>`;
  }
}

/** @param {Step} step */
const keyOf = (step) => `${step.node} ${step.name} ${step.how === 'told'}`;

/** @param {Changed} result */
function headline({ events, position }) {
  if (events.length === 0) return 'Everything was so already: nothing was appended.';
  return events.length === 1 ? `Done: one event, at position ${position}.`
    : `Done: ${events.length} events, up to position ${position}.`;
}
