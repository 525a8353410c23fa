/** One event as a sentence, with the way to its subject and to the moment. For overview, film, histories. */

import { html, nothing } from '../core/html.js';
import { ago, exactTime } from '../core/format.js';
import { sentenceOf, unversioned } from './event-words.js';
import { subjectLink } from './subject.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */

/**
 * The sentence alone.
 * @param {App} app
 * @param {EventLine} event
 */
export function eventSentence(app, event) {
  const said = sentenceOf(event, (id) => app.model.rows.nodes.get(id)?.name ?? id);
  const { kind, subject } = said;
  const name = subjectLink(app, event.subject, subject);
  return html`<span class="event-words"><span class="event-mark ${said.tone}"></span>${
    said.who ? html`<span class="event-who">${said.who}</span> ${said.did} ` : nothing}${
    kind === subject ? nothing : html`${kind} `}${name}${said.after ? ` ${said.after}` : nothing}${
    said.more ? html`<span class="event-more">: ${said.more}</span>` : nothing}</span>`;
}

/**
 * How long ago, as a link to the page at that moment.
 * @param {App} app
 * @param {Pick<EventLine, 'position' | 'time'>} event
 */
export const momentLink = (app, event) => html`<a class="event-when"
  href=${app.location.with({ at: event.position })}
  title="Position ${event.position}, ${exactTime(event.time)}: show the network then"><time
  datetime=${event.time}>${ago(event.time, app.now)}</time></a>`;

/**
 * One event as a line: a sentence, its type in small letters, its moment.
 * @param {App} app
 * @param {EventLine} event
 */
export const eventLine = (app, event) => html`<div class="event">${eventSentence(app, event)}<code
  class="event-type">${unversioned(event.type)}</code>${momentLink(app, event)}</div>`;
