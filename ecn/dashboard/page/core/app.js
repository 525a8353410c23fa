/**
 * What every view is given, and the one place that says when to draw anew.
 *
 * Views are functions from this to a template: they keep nothing. What has a life of its own (a log
 * that is followed, a drawing that is zoomed, a dialog) is a custom element without shadow DOM.
 * After each drawing the window hears the event `drawn`: the moment for such elements to look anew.
 */

/** @import { Api } from './api.js' */
/** @import { Location } from './location.js' */
/** @import { Model } from './model.js' */
/** @import { Moment } from './moment.js' */
/** @import { Session } from './types.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/**
 * @typedef {object} App
 * @property {Api} api
 * @property {Location} location
 * @property {Model} model at the moment that is shown: now, or then
 * @property {Moment} moment
 * @property {Session | null} session
 * @property {boolean} expired whether the session is no good any more: the login is shown over the page
 * @property {number} now milliseconds since 1970 at this drawing: of the controller's clock, or of the
 *     moment of the past that is shown. For what was how long ago
 * @property {(dialog: TemplateResult | (() => TemplateResult)) => void} show puts a dialog over the page
 *     (shell/dialog.js frames it); a function is called anew at each drawing
 * @property {() => void} close closes it: the focus goes back to where it was
 * @property {(text: string, how?: {bad?: boolean, href?: string, label?: string}) => void} tell says
 *     something that passes
 * @property {() => void} changed draw anew soon
 */

/**
 * May the one who looks do what needs that role?
 * @param {App} app
 * @param {'operator' | 'admin'} role
 */
export function may(app, role) {
  const rank = { viewer: 0, operator: 1, admin: 2 };
  return app.session !== null && app.moment.live && rank[app.session.role] >= rank[role];
}

/**
 * Calls `draw` once in a frame, however often it is asked to.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
