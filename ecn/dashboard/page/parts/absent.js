/** <ecn-absent>: what is not there at the moment that is shown: gone, to come, or never heard of. */

import { html, nothing } from '../core/html.js';
import { Asking } from './asking.js';
import { command } from './command.js';
import { problemNote } from './problem.js';
import { momentLink } from './subject.js';
import { when } from './time.js';
import { exactTime } from '../core/format.js';
import { why } from './why.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */
/** @import { Problem } from '../core/api.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/** @typedef {{first: EventLine | undefined, last: EventLine | undefined}} Known */

/** @extends {Asking<Known>} */
class AbsentElement extends Asking {
  /** `<kind>/<name>` */
  subject = '';

  path() {
    return this.subject ? `/events?${new URLSearchParams({ subject: this.subject, limit: '1' })}` : '';
  }

  /** Whatever moment is shown: what is looked for is when it was there. @param {EventLine} line */
  concerns(line) {
    return line.subject_name === this.subject.slice(this.subject.indexOf('/') + 1);
  }

  /**
   * @param {App} app
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<Known>}
   */
  async ask(app, path, signal) {
    const always = path.replace(/&at=\d+$/, '');
    const [first, last] = await Promise.all(['asc', 'desc'].map((order) =>
      app.api.get(`${always}&order=${order}`, { signal })));
    return { first: first.items[0], last: last.items[0] };
  }

  /**
   * @param {Problem} problem
   * @returns {TemplateResult}
   */
  refused(problem) {
    const { app } = this;
    if (!app || problem.status !== 404) return problemNote(problem);
    return html`<p>The network's history knows nothing of that name.</p>
      ${command(app, ['audit', '--subject', this.subject, '--all'], false)}`;
  }

  /**
   * @param {Known} known
   * @param {App} app
   */
  show({ first, last }, app) {
    if (!first || !last) return html`<p>The network's history knows nothing of that name.</p>`;
    const { position, live } = app.moment;
    const ended = /\.deleted\.v\d+$/.test(last.type);
    if (!live && position < first.position) {
      return html`<p>It is not there yet at position ${position}: it came later, with
        event ${first.position} on ${exactTime(first.time)}.</p>
        <p class="row">${momentLink(app, first.position, 'Show the moment it came')}
          ${ended ? nothing : html`<a href=${app.location.with({ at: null })}>Show now</a>`}</p>`;
    }
    return html`
      <p>${ended ? html`It is gone, ${when(app, last.time)}: event ${last.position}, by ${last.actor_name}.`
        : 'It is not there at this moment.'}</p>
      <p class="row">${momentLink(app, ended ? last.position - 1 : last.position, 'Show the last moment it was there')}
        ${live ? nothing : html`<a href=${app.location.with({ at: null })}>Show now</a>`}</p>
      <h2>Why</h2>${why(app, this.subject)}`;
  }

}

customElements.define('ecn-absent', AbsentElement);

/**
 * A whole view.
 * @param {App} app
 * @param {object} what
 * @param {string} what.path of its list
 * @param {string} what.title of its list
 * @param {string} what.kind of its subject
 * @param {string} what.name
 */
export const absent = (app, { path, title, kind, name }) => html`
  <header class="details-head">
    <nav class="above" aria-label="Where it belongs"><a href=${app.location.href(path)}>${title}</a><span
      aria-hidden="true">/</span></nav>
    <h1>${name}</h1>
  </header>
  <div class="card absent">${app.model.loaded
    ? html`<ecn-absent .app=${app} .subject=${`${kind}/${name}`}></ecn-absent>`
    : html`<p class="quiet">Asking …</p>`}</div>`;
