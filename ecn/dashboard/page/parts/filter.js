/** The filters above a list: words, and what rows have in common. The URL remembers them all. */

import { guard, html, live, nothing } from '../core/html.js';
import { count } from '../core/format.js';
import { chosenOf, toggled } from '../core/facets.js';
import { toneOf } from './state.js';

/** @import { App } from '../core/app.js' */
/** @import { Facet } from '../core/facets.js' */

/** With more values than these one types, and is helped. */
const MANY = 40;

/**
 * @param {App} app
 * @param {object} list
 * @param {string} list.of what is listed, in the plural
 * @param {readonly {facet: Facet<any>, values: [string, number][]}[]} list.facets
 * @param {Record<string, string>} list.asked
 * @param {number} list.shown
 * @param {number} list.all
 */
export function filters(app, { of, facets, asked, shown, all }) {
  const some = facets.filter(({ facet, values }) =>
    (values.length > (facet.chips ? 1 : 0) && values.some(([, amount]) => amount)) || asked[facet.key]);
  const without = Object.fromEntries(Object.keys(asked).map((key) => [key, null]));
  return html`
    <search class="filters">
      <input type="search" class="words" aria-label="Filter ${of}" placeholder="Filter ${of}"
        .value=${live(asked['q'] ?? '')} autocomplete="off" spellcheck="false"
        @input=${(/** @type {Event} */ event) => app.location.set(
          { q: /** @type {HTMLInputElement} */ (event.target).value }, { replace: true })}>
      <div class="facets">${some.filter(({ facet }) => !facet.chips).map((each) =>
        choice(app, each.facet, each.values, asked))}</div>
      ${some.filter(({ facet }) => facet.chips).map((each) => chips(app, each.facet, each.values, asked))}
      <p class="amount" role="status">${shown === all ? count(all) : html`${count(shown)} of ${count(all)}`}
        ${Object.keys(asked).length
          ? html`<button type="button" class="plain" @click=${() => app.location.set(without)}>Show all</button>`
          : nothing}</p>
    </search>`;
}

/**
 * @param {App} app
 * @param {Facet<any>} facet
 * @param {[string, number][]} values
 * @param {Record<string, string>} asked
 */
function chips(app, facet, values, asked) {
  const value = asked[facet.key] ?? '';
  const chosen = chosenOf(facet, value);
  return html`
    <div class="chips" role="group" aria-label=${facet.title}>
      ${values.map(([each, amount]) => html`
        <button type="button" class="chip ${toneOf(each)} ${amount ? '' : 'zero'}" aria-pressed=${chosen.includes(each) ? 'true' : 'false'}
          @click=${() => app.location.set({ [facet.key]: toggled(value, each) })}
          ><span class="chip-mark"></span>${each} <span class="chip-count">${count(amount)}</span></button>`)}
    </div>`;
}

/**
 * @param {App} app
 * @param {Facet<any>} facet
 * @param {[string, number][]} values
 * @param {Record<string, string>} asked
 */
function choice(app, facet, values, asked) {
  const value = asked[facet.key] ?? '';
  const chosen = (/** @type {Event} */ event) => app.location.set(
    { [facet.key]: /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target).value });
  if (values.length > MANY) {
    const id = `values-of-${facet.key}`;
    return html`
      <input class="facet ${value ? 'chosen' : ''}" list=${id} aria-label=${facet.title}
        placeholder=${facet.title} .value=${live(value)} autocomplete="off" @change=${chosen}>
      <datalist id=${id}>${guard([values.map(([each]) => each).join('\n')], () =>
        values.map(([each]) => html`<option value=${each}></option>`))}</datalist>`;
  }
  return html`
    <select class="facet ${value ? 'chosen' : ''}" aria-label=${facet.title} @change=${chosen}>
      <option value="" ?selected=${!value}>${value ? `${facet.title}: any` : facet.title}</option>
      ${values.map(([each, amount]) => html`
        <option value=${each} ?selected=${each === value}>${each} (${count(amount)})</option>`)}
    </select>`;
}
