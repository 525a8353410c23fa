/**
 * <ecn-history .app .subject>: what happened to something, the newest first, each event with its data
 * on demand and with a link to the network as it was then.
 */

import { revertButton } from '../acts/index.js';
import { html, nothing, repeat } from '../core/html.js';
import { json } from './json.js';
import { Asking, atMoment } from './asking.js';
import { eventSentence } from './event.js';
import { byId, kindOf, momentLink, nameOfSubject } from './subject.js';
import { when } from './time.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */

/** @typedef {EventLine & {actor: string, causation_id: string, hash: string, data: unknown}} FullEvent */
/** @typedef {{position: number, items: FullEvent[], next: number | null}} Events */

const PAGE = 30;
/** Types of what people change, and can take back. */
const CHANGES = /\.(updated|moved|renamed|started|stopped|deleted|desired-changed|linked|unlinked)\.v\d+$/;

/** @extends {Asking<Events>} */
class HistoryElement extends Asking {
  /** `<kind>/<name or id>` */
  subject = '';
  /** Without what devices merely report. */
  changes = false;
  /** @type {Set<number>} the positions of those whose data is shown */
  open = new Set();
  busy = false;

  path() {
    if (!this.subject || !this.app) return '';
    const query = new URLSearchParams({
      subject: byId(this.app, this.subject), order: 'desc', limit: String(PAGE),
    });
    if (this.changes) query.set('changes', 'true');
    return `/events?${query}`;
  }

  /** @param {EventLine} line */
  concerns(line) {
    if (!this.app) return false;
    const subject = byId(this.app, this.subject);
    if (line.subject === subject) return true;
    // A kind alone: all of it.
    if (!subject.includes('/')) return kindOf(line.subject) === subject;
    if (kindOf(subject) !== 'application') return false;
    // What is in an application is among its history.
    const id = line.subject.slice(line.subject.indexOf('/') + 1);
    const { rows } = this.app.model;
    const row = rows.microservices.get(id) ?? rows.routes.get(id);
    return row === undefined ? /^(microservice|route)\//.test(line.subject)
      : `application/${row.application_id}` === subject;
  }

  /**
   * The newest page; what was shown of older ones stays, if it follows without a gap.
   * @param {App} app
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<Events>}
   */
  async ask(app, path, signal) {
    /** @type {Events} */
    const page = await app.api.get(path, { signal });
    const known = this.answer;
    const last = page.items.at(-1);
    if (!known || !last || page.next === null || path.includes('at=')) return page;
    const from = known.items.findIndex((each) => each.position === last.position);
    if (from < 0) return page;
    return { ...page, items: [...page.items, ...known.items.slice(from + 1)], next: known.next };
  }

  async more() {
    const { app, answer } = this;
    if (!app || !answer?.next || this.busy) return;
    this.busy = true;
    this.draw();
    try {
      const at = app.moment.live ? '' : String(app.moment.position);
      const page = await app.api.get(atMoment(`${this.path()}&before=${answer.next}`, at));
      if (this.answer === answer) {
        this.answer = { ...answer, items: [...answer.items, ...page.items], next: page.next };
      }
    } catch (error) {
      app.tell(/** @type {Error} */ (error).message, { bad: true });
    }
    this.busy = false;
    this.draw();
  }

  /** @param {number} position */
  turn(position) {
    if (!this.open.delete(position)) this.open.add(position);
    this.draw();
  }

  /**
   * @param {Events} answer
   * @param {App} app
   */
  show(answer, app) {
    const { items, next } = answer;
    return html`
      <div class="row apart history-head">
        <label class="check"><input type="checkbox" .checked=${this.changes} @change=${() => {
          this.changes = !this.changes;
          this.look();
        }}> Without what devices merely report</label>
      </div>
      ${items.length ? nothing : html`<p class="quiet">No such event.</p>`}
      <ol class="history" aria-label="Events, the newest first">
        ${repeat(items, (each) => each.position, (each) => this.event(app, each))}
      </ol>
      ${next === null ? nothing
        : html`<button type="button" ?disabled=${this.busy} @click=${() => this.more()}>Show older ones</button>`}`;
  }

  /**
   * @param {App} app
   * @param {FullEvent} each
   */
  event(app, each) {
    const open = this.open.has(each.position);
    return html`<li class=${open ? 'open' : ''}>
      <button type="button" class="plain fold" aria-expanded=${open} aria-label=${`Data of event ${each.position}`}
        @click=${() => this.turn(each.position)}></button>
      <span class="quiet number position">${momentLink(app, each.position)}</span>
      <span class="quiet at">${when(app, each.time)}</span>
      <span class="what">${eventSentence(app, each)}</span>
      ${open ? html`<div class="data">
        <p class="quiet"><code>${each.type}</code> by ${each.actor_name}</p>
        ${json(each.data)}
        <p class="row quiet">
          <a href=${app.location.href('timeline', [], { correlation_id: each.correlation_id })}>All of the same request</a>
          <a href=${app.location.with({ at: each.position })}>Show the network right after it</a>
          ${each.position > 1
            ? html`<a href=${app.location.with({ at: each.position - 1 })}>… and right before it</a>` : nothing}
          ${CHANGES.test(each.type)
            ? revertButton(app, each.subject, nameOfSubject(app, each.subject, each.subject_name), each.position - 1)
            : nothing}
        </p></div>` : nothing}
    </li>`;
  }
}

customElements.define('ecn-history', HistoryElement);

/**
 * @param {App} app
 * @param {string} subject `<kind>/<name or id>`
 */
export const history = (app, subject) =>
  html`<ecn-history .app=${app} .subject=${subject}></ecn-history>`;
