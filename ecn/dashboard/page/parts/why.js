/**
 * <ecn-why .app .subject="microservice/shop/web">: why something is as it is, or is gone: the steps from
 * its state back to whoever asked for it, as `ecn why` tells them.
 */

import { html, nothing } from '../core/html.js';
import { Asking } from './asking.js';
import { changeLine } from './change.js';
import { byId, kindOf, momentLink, refOf, subjectLink } from './subject.js';
import { when } from './time.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine, Microservice } from '../core/types.js' */
/** @import { FieldChange } from './change.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/**
 * @typedef {object} EventGlance
 * @property {number} position
 * @property {string} time
 * @property {string} type
 * @property {string} subject
 * @property {string} subject_name
 * @property {string} actor
 * @property {string} actor_name
 * @property {string} command_id
 * @property {string} correlation_id
 * @property {string} text what happened, in a few words
 */

/**
 * @typedef {object} Step
 * @property {string} what state, wait, reports, revision, command, actor, microservice, past
 * @property {string} text
 * @property {EventGlance | null} event
 * @property {string | null} at
 * @property {number | null} exit_code
 * @property {FieldChange[]} fields
 * @property {Record<string, string>} names
 * @property {EventGlance[]} events
 * @property {boolean} more
 * @property {Step[]} because
 */

/** @typedef {{position: number, subject: string, name: string, chain: Step}} Why */

/** @extends {Asking<Why>} */
class WhyElement extends Asking {
  /** `<kind>/<name or id>` */
  subject = '';

  path() {
    if (!this.subject || !this.app) return '';
    const subject = byId(this.app, this.subject);
    const ref = refOf(subject).split('/').map(encodeURIComponent).join('/');
    return `/why/${kindOf(subject)}/${ref}`;
  }

  /** @param {EventLine} line */
  concerns(line) {
    if (!this.app) return false;
    const subject = byId(this.app, this.subject);
    return line.subject === subject || neighbours(this.app, subject).has(line.subject);
  }

  /**
   * @param {Why} answer
   * @param {App} app
   */
  show(answer, app) {
    return html`<ol class="why">${step(app, answer.chain, true)}</ol>`;
  }
}

/**
 * What its state depends on besides itself.
 * @param {App} app
 * @param {string} subject
 * @returns {Set<string>}
 */
function neighbours({ model }, subject) {
  const id = refOf(subject);
  /** @param {Microservice[] | undefined} rows */
  const all = (rows) => new Set((rows ?? []).map((row) => `microservice/${row.id}`));
  switch (kindOf(subject)) {
    case 'microservice': {
      const row = model.rows.microservices.get(id);
      return new Set(row ? [`node/${row.node_id}`, `application/${row.application_id}`] : []);
    }
    case 'application': return all(model.byApplication.get(id));
    default: return new Set();
  }
}

/**
 * @param {App} app
 * @param {Step} it
 * @param {boolean} [first]
 * @returns {TemplateResult}
 */
function step(app, it, first = false) {
  const { event } = it;
  return html`<li class=${`step of-${it.what}`}>
    <div class="said ${first ? 'first' : ''}">${it.text}</div>
    ${it.fields.length
      ? html`<ul class="changes">${it.fields.map((each) => html`<li>${changeLine(each, it.names)}</li>`)}</ul>`
      : nothing}
    ${it.at || it.exit_code !== null
      ? html`<div class="quiet facts-line">
          ${it.at ? html`<span>since ${when(app, it.at)} by its device's clock</span>` : nothing}
          ${it.exit_code !== null ? html`<span>last exit code ${it.exit_code}</span>` : nothing}
        </div>`
      : nothing}
    ${event
      ? html`<div class="quiet facts-line">
          <span>event ${momentLink(app, event.position)}</span>
          <span>${when(app, event.time)}</span>
          <span>by ${event.actor_name}</span>
        </div>`
      : nothing}
    ${it.events.length
      ? html`
          ${it.what === 'command' ? html`<div class="quiet">which also led to</div>` : nothing}
          <ul class="glances">
            ${it.events.map((each) => glance(app, each, it.what === 'command'))}
            ${it.more ? html`<li class="quiet">and more</li>` : nothing}
          </ul>`
      : nothing}
    ${it.because.length
      ? html`<ol class="because">${it.because.map((each) => step(app, each))}</ol>`
      : nothing}
  </li>`;
}

/**
 * @param {App} app
 * @param {EventGlance} event
 * @param {boolean} named
 */
const glance = (app, event, named) => html`<li>
  <span class="quiet">${momentLink(app, event.position)}</span>
  <span class="quiet">${when(app, event.time)}</span>
  ${named ? subjectLink(app, event.subject, event.subject_name) : nothing}
  <span>${event.text}</span>
</li>`;

customElements.define('ecn-why', WhyElement);

/**
 * @param {App} app
 * @param {string} subject `<kind>/<name or id>`
 */
export const why = (app, subject) => html`<ecn-why .app=${app} .subject=${subject}></ecn-why>`;
