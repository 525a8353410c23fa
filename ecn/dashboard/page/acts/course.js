/**
 * The course of one act: planned, planned anew when something came in between, done once, followed.
 * It draws nothing: the dialog of acts and the view that deploys do.
 */

import { Problem } from '../core/api.js';
import { freshKey } from './act.js';
import { mayBeStale, sameAs } from './staleness.js';

/** @import { App } from '../core/app.js' */
/** @import { Changed } from '../core/types.js' */
/** @import { Act, Input } from './act.js' */
/** @import { Fault, Plan } from './plan-types.js' */

/** Milliseconds of quiet after which what is typed is planned. */
const TYPED = 300;
/** Milliseconds between two plans, while things happen quickly. */
const AT_MOST_EACH = 1000;

export class Course {
  /**
   * @param {App} app
   * @param {Act} act
   * @param {() => void} changed to be drawn anew
   */
  constructor(app, act, changed) {
    this.app = app;
    this.act = act;
    this._changed = changed;
    /** @type {Input} */
    this.input = act.begin?.(app) ?? {};
    /** 'before', 'doing', 'unsure' (it can be tried again, with the same key), 'done' */
    this.stage = 'before';
    this.planning = false;
    /** @type {Plan | undefined} */
    this.plan = undefined;
    /** Why there is no plan, or why it was not done. @type {Problem | undefined} */
    this.problem = undefined;
    /** Why what is to be planned can't be read. @type {Fault[]} */
    this.faults = [];
    /** That the plan is another one than a moment ago, and why. */
    this.note = '';
    /** @type {(Changed & Record<string, unknown>) | undefined} */
    this.result = undefined;
    /** When it was done, in milliseconds of the page's clock. */
    this.doneAt = 0;
    this._key = '';
    this._planned = 0;
    this._timer = 0;
    /** @type {AbortController | undefined} */
    this._question = undefined;
    this.ended = false;
    this._plan();
  }

  /** @param {Input} more */
  set(more) {
    if (this.stage !== 'before') return;
    const before = this._question_();
    this.input = { ...this.input, ...more };
    // What only helps to choose, such as a word that is searched for, changes no plan.
    if (before === this._question_()) return this._changed();
    this._key = '';
    this.note = '';
    this.plan = undefined;
    this.problem = undefined;
    this.planning = this._plannable();
    this._question?.abort();
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this._plan(), TYPED);
    this._changed();
  }

  /** Still needed before it can be planned; '' if nothing is. */
  get missing() {
    return this.act.missing?.(this.app, this.input) ?? '';
  }

  /** Whether it can be done as it is shown. */
  get ready() {
    if (this.stage !== 'before' || this.planning || this.missing) return false;
    if (this.act.typed && this.input['typed'] !== this.act.typed) return false;
    if (!this.act.plan) return true;
    return this.plan !== undefined && this.plan.totals.refused === 0 && !this.idle;
  }

  /** Whether something is lost by it: a revert or a manifest may delete, too. */
  get danger() {
    return this.act.danger === true || (this.plan?.totals.deleted ?? 0) > 0;
  }

  /** Whether it may have been done although no answer came. Else it was not. */
  get maybeDone() {
    const document = this.problem?.document;
    return this.stage === 'unsure' && document !== undefined &&
      ([0, 502, 504].includes(document.status) || document.code === 'outcome-unknown');
  }

  /** Everything is as asked: there is nothing to do. */
  get idle() {
    return this.plan?.changes.every((each) => each.events.length === 0 && !each.problem) ?? false;
  }

  /** After each drawing of the page: does the plan still hold? */
  look() {
    const { plan, app } = this;
    if (this.stage !== 'before' || !plan || this.planning || Date.now() - this._planned < AT_MOST_EACH) return;
    const why = mayBeStale(app.model.events, plan, this.act.concerns);
    if (why) void this._plan(why);
  }

  /** What would be asked and sent. */
  _question_() {
    const { act, app, input } = this;
    return this.missing || JSON.stringify([act.plan?.(app, input), act.send(app, input, 0)]);
  }

  _plannable() {
    return this.act.plan !== undefined && !this.missing;
  }

  /** @param {string} [why] what happened since the plan that is shown */
  async _plan(why = '') {
    this._question?.abort();
    if (!this.act.plan || !this._plannable()) {
      this.planning = false;
      return this._changed();
    }
    const question = new AbortController();
    this._question = question;
    const before = this.plan;
    this._planned = Date.now();
    if (!before) this.planning = true;
    const { method, path, body } = this.act.plan(this.app, this.input);
    try {
      const answer = await this.app.api.send(method, path, body, { signal: question.signal });
      if (question.signal.aborted) return;
      this.faults = answer.faults ?? [];
      this.plan = this.faults.length ? undefined : /** @type {Plan} */ (answer.plan ?? answer);
      if (!this.note || why) this.problem = undefined;
      if (before && this.plan && why && !sameAs(before, this.plan)) this.note = why;
    } catch (error) {
      if (question.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.plan = undefined;
      this.problem = error;
    }
    this.planning = false;
    this._changed();
  }

  /** Do it; or, when no answer came, ask with the same key what became of it. */
  async go() {
    if (this.stage !== 'unsure' && !this.ready) return;
    this._question?.abort();
    clearTimeout(this._timer);
    this._key ||= freshKey();
    this.stage = 'doing';
    this._changed();
    const { method, path, body } = this.act.send(this.app, this.input, this.plan?.position ?? this.app.model.position);
    try {
      const answer = await this.app.api.send(method, path, body, { headers: { 'Idempotency-Key': this._key } });
      this.result = answer.done ?? answer;
      this.stage = 'done';
      this.problem = undefined;
      this.doneAt = Date.now();
      this.act.done?.(this.app, this.input);
      if (this.act.toNow) this.app.location.set({ at: null });
      if (this.ended) this.app.tell(`Done: ${this.act.title}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this._failed(error);
    }
    this._changed();
    this.app.changed();
  }

  /** @param {Problem} problem */
  _failed(problem) {
    this.problem = problem;
    if (problem.status === 0 || problem.status >= 500) {
      this.stage = 'unsure';
    } else {
      this.stage = 'before';
      this._key = '';
      this.plan = undefined;
      if (problem.document.code === 'revision-moved') {
        this.note = 'It was changed in between, so nothing was done. This is the plan of now.';
        void this._plan();
      }
    }
    if (this.ended) this.app.tell(`${this.act.title}: ${problem.message}`, { bad: true });
  }

  /** Nobody looks any more. What was sent goes on. */
  end() {
    this.ended = true;
    this._question?.abort();
    clearTimeout(this._timer);
  }
}
