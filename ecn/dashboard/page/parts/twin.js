/** A twin: what should be and what is said to be, side by side, with who changed each property and when. */

import { html, nothing } from '../core/html.js';
import { fetched } from './document.js';
import { json } from './json.js';
import { when } from './time.js';
import { keysOf, pathText, valueText } from './value.js';

/** @import { App } from '../core/app.js' */

/** @typedef {{version: number, at: string, by: string, edge: boolean}} TwinField */
/** @typedef {{version: number, properties: Record<string, unknown>, fields: Record<string, TwinField>}} Section */
/** @typedef {{conflicts: string, desired: Section, reported: Section}} Twin */

/**
 * @param {App} app
 * @param {string} id of the microservice
 */
export const twin = (app, id) => fetched(app, {
  path: `/microservices/${id}/twin`,
  about: [`microservice/${id}`],
  show: (/** @type {Twin} */ document) => drawn(app, document),
});

/**
 * @param {App} app
 * @param {Twin} twin
 */
function drawn(app, { desired, reported, conflicts }) {
  const rows = compared(desired, reported);
  const silent = reported.version === 0;
  const differing = silent ? 0 : rows.filter((each) => each.differs).length;
  return html`
    <p class="row quiet">
      <span>desired: version ${desired.version}</span><span>reported: version ${reported.version}</span>
      <span>conflicts: ${conflicts}</span>
      ${rows.length ? html`<span>${said(silent, differing)}</span>` : nothing}
    </p>
    ${rows.length === 0 ? html`<p class="quiet">Neither side has said anything yet.</p>` : html`
    <div class="scrolls"><table class="twin">
      <caption class="only-read-aloud">Properties, desired and reported</caption>
      <thead><tr><th scope="col">Property</th><th scope="col">Desired</th><th scope="col">Reported</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr class=${differing && row.differs ? 'differs' : ''}>
        <td><code>${pathText(row.path)}</code>${differing && row.differs
          ? html` <span class="only-read-aloud">differs</span><span class="mark" aria-hidden="true" title="Desired is not what is reported">≠</span>` : nothing}</td>
        <td>${side(app, row.desired, desired.fields[row.path])}</td>
        <td>${side(app, row.reported, reported.fields[row.path])}</td>
      </tr>`)}</tbody></table></div>`}
    <div class="halves">
      <section><h3>Desired</h3>${json(desired.properties, 'desired properties')}</section>
      <section><h3>Reported</h3>${json(reported.properties, 'reported properties')}</section>
    </div>`;
}

/**
 * @param {boolean} silent it has reported nothing at all yet
 * @param {number} differing
 */
function said(silent, differing) {
  if (silent) return 'it has reported nothing yet';
  if (!differing) return 'all that is desired is reported so';
  return `${differing} desired ${differing === 1 ? 'property is' : 'properties are'} not reported so`;
}

/**
 * @param {App} app
 * @param {unknown} value
 * @param {TwinField | undefined} field
 */
const side = (app, value, field) => value === undefined ? html`<span class="quiet">–</span>`
  : html`<span class="value">${valueText(value)}</span>${field ? html`
      <div class="quiet small">version ${field.version}, ${when(app, field.at)}, ${field.by}${field.edge ? ', on the device' : ''}</div>` : nothing}`;

/**
 * @typedef {object} Property
 * @property {string} path JSON pointer
 * @property {unknown} desired undefined: it has none
 * @property {unknown} reported
 * @property {boolean} differs something is desired, and not so reported
 */

/**
 * Both sides by property: each that is no object itself on either side. Pure.
 * @param {{properties: Record<string, unknown>}} desired
 * @param {{properties: Record<string, unknown>}} reported
 * @returns {Property[]} by path
 */
export function compared(desired, reported) {
  const paths = new Set([...leaves(desired.properties), ...leaves(reported.properties)]);
  return [...paths].sort().map((path) => {
    const [one, other] = [at(desired.properties, path), at(reported.properties, path)];
    return { path, desired: one, reported: other, differs: one !== undefined && !same(one, other) };
  }).filter((each) => each.desired !== undefined || each.reported !== undefined);
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} [above]
 * @returns {string[]} JSON pointers
 */
function leaves(object, above = '') {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = `${above}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return isObject(value) && Object.keys(value).length ? leaves(value, path) : [path];
  });
}

/**
 * @param {unknown} object
 * @param {string} path
 * @returns {unknown} undefined: there is none
 */
function at(object, path) {
  let found = object;
  for (const key of keysOf(path)) {
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined;
    found = found[key];
  }
  return found;
}

/**
 * Whatever the order of their keys.
 * @param {unknown} one
 * @param {unknown} other
 * @returns {boolean}
 */
function same(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => same(each, other[index]));
  }
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one);
    return keys.length === Object.keys(other).length &&
      keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
  }
  return one === other;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
