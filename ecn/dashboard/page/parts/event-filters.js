/** The filters of a timeline: what the URL says, as a form. */

import { html, live, nothing } from '../core/html.js';
import {
  actorOf, instantOf, localOf, subjectOf, subjectParts, SUBJECTS,
} from './event-query.js';
import { KNOWN_TYPES, kindWords } from './event-words.js';

/** @import { App } from '../core/app.js' */

/** Those that are behind "More filters". */
const MORE = ['subject', 'type', 'actor', 'since', 'until'];
/** Milliseconds after the last letter. */
const TYPED = 300;
let typing = 0;

/** @param {Event} event */
const value = (event) => /** @type {HTMLInputElement} */ (event.target).value;

/**
 * @param {App} app
 * @param {Record<string, string>} asked
 */
export function eventFilters(app, asked) {
  const { location } = app;
  const { kind, name } = subjectParts(asked['subject'] ?? '');
  const more = MORE.filter((each) => asked[each]).length;
  /** @param {string} name */
  const words = (name) => asked[name] ?? '';
  return html`
    <search class="event-filters">
      <input type="search" class="words" aria-label="Events that speak of" placeholder="Search names and data"
        autocomplete="off" spellcheck="false" maxlength="200" .value=${live(words('text'))}
        @input=${(/** @type {Event} */ event) => {
          const text = value(event);
          clearTimeout(typing);
          typing = window.setTimeout(() => location.set({ text: text.trim() }, { replace: true }), TYPED);
        }}>
      <label class="check"><input type="checkbox" .checked=${live(words('changes') === 'true')}
        @change=${(/** @type {Event} */ event) => location.set(
          { changes: /** @type {HTMLInputElement} */ (event.target).checked ? 'true' : null })}>
        Without what devices merely report</label>
      ${['correlation_id', 'command_id'].map((each) => (asked[each] ? chip(app, each) : nothing))}
      <details class="more" ?open=${more > 0}>
        <summary>More filters${more ? ` (${more})` : nothing}</summary>
        <div class="event-fields">
          <label>About
            <select @change=${(/** @type {Event} */ event) => location.set({ subject: subjectOf(value(event), name) })}>
              <option value="" ?selected=${!kind}>anything</option>
              ${SUBJECTS.map((each) => html`<option value=${each} ?selected=${each === kind}
                >${kindWords(each)}</option>`)}
            </select></label>
          <label>Named
            <input placeholder="edge-1, shop/web" autocomplete="off" spellcheck="false" .value=${live(name)}
              @change=${(/** @type {Event} */ event) => location.set({ subject: subjectOf(kind, value(event)) })}></label>
          <label>What happened
            <input list="event-types" placeholder="node.went-offline" autocomplete="off" spellcheck="false"
              .value=${live(words('type'))}
              @change=${(/** @type {Event} */ event) => location.set({ type: value(event).trim() })}></label>
          <datalist id="event-types">${KNOWN_TYPES.map((each) => html`<option value=${each}></option>`)}</datalist>
          <label>By whom
            <input placeholder="anna, node/edge-1, controller" autocomplete="off" spellcheck="false"
              .value=${live(words('actor'))}
              @change=${(/** @type {Event} */ event) => location.set({ actor: actorOf(value(event)) })}></label>
          <label>Since
            <input type="datetime-local" step="1" .value=${live(localOf(words('since')))}
              @change=${(/** @type {Event} */ event) => location.set({ since: instantOf(value(event)) })}></label>
          <label>Until
            <input type="datetime-local" step="1" .value=${live(localOf(words('until')))}
              @change=${(/** @type {Event} */ event) => location.set({ until: instantOf(value(event)) })}></label>
        </div>
      </details>
    </search>`;
}

/**
 * A filter that nobody types.
 * @param {App} app
 * @param {string} filter
 */
const chip = (app, filter) => html`<button type="button" class="event-chip"
  @click=${() => app.location.set({ [filter]: null })}>Of one ${filter === 'command_id' ? 'command'
    : 'request'} only <span aria-hidden="true">×</span><span class="only-read-aloud"> (show others too)</span></button>`;
