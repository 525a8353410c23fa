/** A twin: what should be and what is said to be, side by side, with who changed each property and when. */

import { html, nothing } from '../core/html.js';
import { fetched } from './document.js';
import { json } from './json.js';
import { when } from './time.js';
import { compared } from './compared.js';
import { pathText, valueText } from './value.js';

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
  const rows = compared(desired.properties, reported.properties);
  const silent = reported.version === 0;
  const differing = silent ? 0 : rows.filter((each) => each.differs).length;
  return html`
    <p class="row quiet">
      <span>desired: version ${desired.version}</span><span>reported: version ${reported.version}</span>
      <span>conflicts: ${conflicts}</span>
      ${rows.length ? html`<span>${said(silent, differing)}</span>` : nothing}
    </p>
    ${rows.length === 0 ? html`<p class="quiet">Neither side has said anything yet.</p>` : html`
    <div class="scrolls" tabindex="0" role="group"
    aria-label="Properties, desired and reported"><table class="twin">
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
