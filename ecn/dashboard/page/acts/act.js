/** What an act is: a value that says what to plan, what to send and how to ask for it. */

/** @import { App } from '../core/app.js' */
/** @import { Changed } from '../core/types.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/** What was put in by the one who acts, by field. @typedef {Record<string, string | boolean>} Input */

/**
 * A request.
 * @typedef {object} Sending
 * @property {string} method
 * @property {string} path below /api/v1
 * @property {unknown} [body]
 */

/**
 * @typedef {object} Act
 * @property {string} label of the button that opens it: Stop
 * @property {string} title of its dialog: Stop shop/web
 * @property {string} [explains] what no plan says
 * @property {boolean} [danger] something is lost
 * @property {string} [typed] a name that has to be typed before
 * @property {readonly string[]} concerns subjects, `<kind>/<id>`: their events make the plan stale
 * @property {(app: App) => Input} [begin] what the form holds at first
 * @property {(app: App, input: Input, set: (more: Input) => void) => TemplateResult} [form]
 * @property {(app: App, input: Input) => string} [missing] what is still needed; '' if nothing is
 * @property {(input: Input) => string} [confirm] on the button that does it; else its title
 * @property {(app: App, input: Input) => Sending} [plan] the question for the plan; without it there
 *     is nothing to plan
 * @property {(app: App, input: Input, seen: number) => Sending} send seen: the position of the plan
 * @property {(app: App, result: Changed & Record<string, unknown>, input: Input) => TemplateResult} [after]
 *     what is shown behind it, besides its events
 * @property {(app: App, input: Input) => void} [done] what the page does behind it
 * @property {boolean} [toNow] it ends the look at the past
 */

/**
 * The question for the plan of changes.
 * @param {...Record<string, unknown>} changes documents as docs/plan-and-revert.md has them
 * @returns {Sending}
 */
export const planOf = (...changes) => ({ method: 'POST', path: '/plan', body: { changes } });

/**
 * @param {Input} input
 * @param {string} name
 * @returns {string}
 */
export const textOf = (input, name) => (typeof input[name] === 'string' ? input[name].trim() : '');

/**
 * A key for one act: a retry that bears it does nothing twice.
 * Not by `crypto.randomUUID`, which only pages over https have.
 */
export const freshKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
