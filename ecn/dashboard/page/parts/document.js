/**
 * <ecn-document>: a document of the API within a view, drawn by the view. Asked for on demand, and anew
 * when something happened to what it is about.
 */

import { html } from '../core/html.js';
import { Asking } from './asking.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */

/**
 * @typedef {object} Wanted
 * @property {string} path below /api/v1, without its moment
 * @property {readonly string[]} about subjects by id, whose events may change it
 * @property {(document: any, app: App) => unknown} show
 * @property {number} [every] milliseconds, for what no event tells of
 */

/** @extends {Asking<any>} */
class DocumentElement extends Asking {
  /** @type {Wanted} */
  wanted = { path: '', about: [], show: () => html`` };

  path() {
    return this.wanted.path;
  }

  /** @param {EventLine} line */
  concerns(line) {
    return this.wanted.about.includes(line.subject);
  }

  every() {
    return this.wanted.every ?? 0;
  }

  /**
   * @param {unknown} answer
   * @param {App} app
   */
  show(answer, app) {
    return this.wanted.show(answer, app);
  }
}

customElements.define('ecn-document', DocumentElement);

/**
 * @param {App} app
 * @param {Wanted} wanted
 */
export const fetched = (app, wanted) =>
  html`<ecn-document .app=${app} .wanted=${wanted}></ecn-document>`;
