/** Any document laid out for reading: objects as facts, lists as lists, long values folded. */

import { html, nothing } from '../core/html.js';
import { when } from './time.js';

/** @import { App } from '../core/app.js' */

/** Characters above which a value is folded. */
const LONG = 240;
/** Entries above which a list or an object within another is folded. */
const MANY = 12;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * Whether there is nothing to say: an empty text, list or object, none.
 * @param {unknown} value
 */
export const isEmpty = (value) =>
  value === undefined || value === null || value === '' || value === nothing ||
  (typeof value === 'object' && !isTemplate(value) && Object.keys(value).length === 0);

/**
 * Whether an object has nothing but what is empty.
 * @param {unknown} value
 */
const isHollow = (value) => isEmpty(value) ||
  (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isEmpty));

/**
 * Facts in the order given, without what is empty.
 * @param {readonly (readonly [string, unknown])[]} entries label and value: a text, a number, a template
 * @param {unknown} [empty] instead, where all are
 */
export function facts(entries, empty = nothing) {
  const said = entries.filter(([, value]) => !isEmpty(value));
  if (!said.length) return empty;
  return html`<dl class="facts">${said.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`;
}

/**
 * A field's name for people: `memory limit, MiB` of `memory_limit_mib`.
 * @param {string} key
 */
export function label(key) {
  const words = key.replaceAll('_', ' ');
  return words.replace(/ mib$/, ', MiB').replace(/\b(?:url|ram|cpu|id)\b/g, (word) => word.toUpperCase())
    .replace(/^./, (first) => first.toUpperCase());
}

/**
 * All fields of an object.
 * @param {App} app
 * @param {Record<string, unknown>} object
 * @param {{skip?: readonly string[], asIs?: boolean}} [how] asIs: keys are names of their own (labels,
 *     environment), not words of ours
 */
export function fields(app, object, { skip = [], asIs = false } = {}) {
  const entries = Object.entries(object).filter(([key, value]) => !skip.includes(key) && !isHollow(value));
  if (!entries.length) return html`<span class="quiet">nothing</span>`;
  return html`<dl class="facts ${asIs ? 'as-is' : ''}">${entries.map(([key, each]) =>
    html`<dt>${asIs ? key : label(key)}</dt><dd>${value(app, each)}</dd>`)}</dl>`;
}

/**
 * Any value.
 * @param {App} app
 * @param {unknown} it
 * @returns {unknown} what lit can render
 */
export function value(app, it) {
  if (isEmpty(it)) return html`<span class="quiet">none</span>`;
  if (it === true) return 'yes';
  if (it === false) return 'no';
  if (Array.isArray(it)) return list(app, it);
  if (typeof it === 'object') {
    const object = /** @type {Record<string, unknown>} */ (it);
    const inner = fields(app, object, { asIs: true });
    const size = Object.keys(object).length;
    return size > MANY ? folded(`${size} fields`, inner) : inner;
  }
  if (typeof it === 'string') {
    if (TIME.test(it)) return when(app, it);
    if (it.length > LONG || it.includes('\n')) {
      return folded(`${it.trimStart().slice(0, 60).split('\n')[0]} …`, html`<pre class="long" tabindex="0" role="group" aria-label="The whole text">${it}</pre>`);
    }
  }
  return String(it);
}

/**
 * @param {App} app
 * @param {readonly unknown[]} items
 */
function list(app, items) {
  const simple = items.every((each) => typeof each !== 'object' || each === null);
  if (simple && items.join(', ').length <= LONG) return items.map(String).join(', ');
  const drawn = columns(app, items) ?? html`<ul class="values">${items.map((each) => html`<li>${value(app, each)}</li>`)}</ul>`;
  return items.length > MANY ? folded(`${items.length} entries`, drawn) : drawn;
}

/**
 * Alike objects as a small table; none where they are not.
 * @param {App} app
 * @param {readonly unknown[]} items
 */
function columns(app, items) {
  /** @type {Set<string>} */
  const keys = new Set();
  for (const each of items) {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return undefined;
    for (const [key, inner] of Object.entries(each)) {
      if (typeof inner === 'object' && !isEmpty(inner)) return undefined;
      if (!isEmpty(inner)) keys.add(key);
    }
  }
  if (!keys.size || keys.size > 6) return undefined;
  const rows = /** @type {Record<string, unknown>[]} */ (items);
  return html`<div class="scrolls" tabindex="0" role="group"
    aria-label="Table"><table class="inner"><thead><tr>${[...keys].map((key) =>
    html`<th scope="col">${label(key)}</th>`)}</tr></thead><tbody>${rows.map((row) =>
    html`<tr>${[...keys].map((key) => html`<td class=${typeof row[key] === 'number' ? 'number' : ''}>${
      isEmpty(row[key]) ? nothing : value(app, row[key])}</td>`)}</tr>`)}</tbody></table></div>`;
}

/**
 * @param {string} summary
 * @param {unknown} inner
 */
export const folded = (summary, inner) =>
  html`<details class="folded"><summary>${summary}</summary>${inner}</details>`;

/** @param {object} value */
const isTemplate = (value) => '_$litType$' in value || Symbol.iterator in value && !Array.isArray(value);
