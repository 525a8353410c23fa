/** What was added, changed or went since the moment that is shown. */

import { html, nothing } from '../core/html.js';
import { count } from '../core/format.js';
import { icon } from './icons.js';

/** @import { App } from '../core/app.js' */
/** @import { Difference, FieldChange } from '../core/differences.js' */

const MOST = 200;
const MOST_FIELDS = 12;
/** Letters of a value that are shown. */
const LONG = 160;

/** @type {Record<Difference['change'], {sign: string, word: string, tone: string}>} */
const CHANGES = {
  created: { sign: '+', word: 'added', tone: 'good' },
  changed: { sign: '~', word: 'changed', tone: 'busy' },
  deleted: { sign: '−', word: 'gone', tone: 'bad' },
};

/** @type {Record<string, string>} */
const VIEW_OF = {
  node: 'nodes', application: 'applications', microservice: 'microservices', route: 'routes',
  registry: 'registries', 'catalog-item': 'catalog-items', template: 'templates',
  'edge-resource': 'edge-resources', volume: 'volumes', network: 'network',
};

/** @param {App} app */
export function differencesPanel(app) {
  const { moment } = app;
  const { differences } = moment;
  if (moment.live || !differences.open) return nothing;
  const { items, from } = differences;
  return html`
    <aside class="differences" id="differences" aria-label="What differs from now"
      aria-busy=${from === moment.position ? 'false' : 'true'}>
      <header class="row apart">
        <h2>Since then</h2>
        <button type="button" class="plain icon-only" aria-label="Close" @click=${() => moment.compare(false)}>${icon('close')}</button>
      </header>
      ${differences.problem ? html`<p class="problem">${differences.problem}</p>`
        : from === null ? html`<p class="quiet">Comparing</p>`
        : html`
          <p class="quiet">${summary(items)}</p>
          <ol>${items.slice(0, MOST).map((each) => difference(app, each))}</ol>
          ${items.length > MOST ? html`<p class="quiet">${count(items.length - MOST)} more. All of them:
            <code>ecn diff ${from}</code></p>` : nothing}`}
    </aside>`;
}

/** @param {readonly Difference[]} items */
function summary(items) {
  if (items.length === 0) return 'Nothing differs from now.';
  return /** @type {const} */ (['created', 'changed', 'deleted'])
    .map((change) => ({ change, all: items.filter((each) => each.change === change).length }))
    .filter(({ all }) => all > 0)
    .map(({ change, all }) => `${count(all)} ${CHANGES[change].word}`)
    .join(', ');
}

/**
 * @param {App} app
 * @param {Difference} difference
 */
function difference(app, { subject, name, change, fields = [], names = {} }) {
  const { sign, word, tone } = CHANGES[change];
  const kind = subject.slice(0, subject.indexOf('/'));
  return html`
    <li>
      <p><span class="sign ${tone}" title=${word} aria-label=${word}>${sign}</span>
        <span class="quiet">${kind.replace('-', ' ')}</span> ${named(app, kind, name, change)}</p>
      ${fields.length ? html`
        <dl class="changes">
          ${fields.slice(0, MOST_FIELDS).map((each) => field(each, names))}
        </dl>
        ${fields.length > MOST_FIELDS ? html`<p class="quiet">${count(fields.length - MOST_FIELDS)} more fields</p>` : nothing}` : nothing}
    </li>`;
}

/**
 * What came since then is not there then: the link leads to now.
 * @param {App} app
 * @param {string} kind
 * @param {string} name
 * @param {Difference['change']} change
 */
function named({ location }, kind, name, change) {
  const view = VIEW_OF[kind];
  if (!view) return html`<b>${name}</b>`;
  const rest = kind === 'network' ? [] : name.split('/');
  return html`<a href=${location.href(view, rest, change === 'created' ? { at: null } : {})}>${name}</a>`;
}

/**
 * @param {FieldChange} change
 * @param {Record<string, string>} names
 */
function field({ path, aspect, before, after }, names) {
  const words = path.slice(1).split('/').map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'));
  return html`
    <dt>${aspect === 'reported' ? html`<span class="quiet">reported</span> ` : nothing}${words.join('.')}</dt>
    <dd><del>${value(before, names)}</del> <span aria-label="to">→</span> <ins>${value(after, names)}</ins></dd>`;
}

/**
 * @param {unknown} value
 * @param {Record<string, string>} names
 */
function value(value, names) {
  if (value === undefined) return html`<i>none</i>`;
  if (value === '') return html`<i>empty</i>`;
  const text = typeof value === 'string' ? names[value] ?? value : JSON.stringify(value);
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}
