/** <ecn-event .app .event>: all that is known of one event, and where to go from there. */

import { revertButton } from '../acts/index.js';
import { html, nothing, render } from '../core/html.js';
import { Problem } from '../core/api.js';
import { exactTime } from '../core/format.js';
import { atMoment } from './asking.js';
import { json } from './json.js';
import { problemNote } from './problem.js';

/** @import { App } from '../core/app.js' */
/** @import { ListedEvent } from './event-query.js' */

class EventElement extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** @type {ListedEvent | undefined} */
    this.event = undefined;
    /** @type {ListedEvent | undefined} */
    this._whole = undefined;
    this._ended = new AbortController();
  }

  connectedCallback() {
    this._ended = new AbortController();
    void this._fetch();
  }

  disconnectedCallback() {
    this._ended.abort();
  }

  /** What came with the live stream is brief: the whole event is asked for. */
  async _fetch() {
    const { app, event } = this;
    if (!app || !event) return;
    if (event.hash) {
      this._whole = event;
      this._draw();
      return;
    }
    render(html`<p class="quiet waits">Asking …</p>`, this);
    try {
      const at = app.moment.live ? '' : String(app.moment.position);
      const path = atMoment(`/events?after=${event.position - 1}&limit=1`, at);
      const page = await app.api.get(path, { signal: this._ended.signal });
      this._whole = page.items[0] ?? event;
      this._draw();
    } catch (error) {
      if (this._ended.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      render(problemNote(error), this);
    }
  }

  _draw() {
    const { app, _whole: event } = this;
    if (!app || !event) return;
    const { location } = app;
    const before = event.position - 1;
    render(html`
      <p class="row event-ways">
        <a href=${location.with({ at: event.position })}>Show the network right after it</a>
        ${before > 0 ? html`<a href=${location.with({ at: before })}>and right before it</a>` : nothing}
        <a href=${this._only({ correlation_id: event.correlation_id })}>What the same request led to</a>
        <a href=${this._only({ subject: event.subject })}>All about ${event.subject_name || event.subject}</a>
        ${before > 0 && event.actor?.startsWith('user/')
          ? revertButton(app, event.subject, event.subject_name || event.subject, before) : nothing}
      </p>
      <dl class="facts">
        <dt>Position</dt><dd>${event.position}</dd>
        <dt>Time</dt><dd><time datetime=${event.time}>${exactTime(event.time)}</time></dd>
        <dt>Type</dt><dd><code>${event.type}</code></dd>
        <dt>Subject</dt><dd><code>${event.subject}</code></dd>
        <dt>Actor</dt><dd>${event.actor_name}${event.actor && event.actor !== event.actor_name
          ? html` <code class="quiet">${event.actor}</code>` : nothing}</dd>
        <dt>Command</dt><dd><a href=${this._only({ command_id: event.command_id })}><code>${event.command_id}</code></a></dd>
        <dt>Request</dt><dd><a href=${this._only({ correlation_id: event.correlation_id })}><code
          >${event.correlation_id}</code></a></dd>
        ${event.causation_id ? html`<dt>Caused by</dt><dd>${this._cause(event.causation_id)}</dd>` : nothing}
        ${event.hash ? html`<dt>Hash</dt><dd><code>${event.hash}</code></dd>` : nothing}
      </dl>
      ${json(event.data, 'the data')}`, this);
  }

  /**
   * The timeline with these filters alone.
   * @param {Record<string, string>} filters
   */
  _only(filters) {
    return /** @type {App} */ (this.app).location.href('timeline', [], filters);
  }

  /** @param {string} causation a text that may name a position */
  _cause(causation) {
    const position = /^revert-to\/(\d+)$/.exec(causation)?.[1];
    return position && this.app
      ? html`<a href=${this.app.location.with({ at: position })}>a revert to position ${position}</a>`
      : html`<code>${causation}</code>`;
  }
}

customElements.define('ecn-event', EventElement);
