/** What an operator may do, as buttons: for the views of things and lists. */

import { html, nothing } from '../core/html.js';
import { may } from '../core/app.js';
import { Problem } from '../core/api.js';
import { ask } from './act-dialog.js';
import { remove, rename, revertOf, revertTo } from './common.js';
import { more } from './menu.js';
import { isActedOn, subjectOf } from './names.js';
import { removeApplication, startOrStopAll } from './of-applications.js';
import { configure, move, rebuild, removeMicroservice, renameMicroservice, startOrStop } from './of-microservices.js';
import { deprovision, instructions, provisioningKey, register, removeNode } from './of-nodes.js';

/** @import { App } from '../core/app.js' */
/** @import { Application, Kind, Microservice, Node, Rows } from '../core/types.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */
/** @import { Act } from './act.js' */
/** @import { ActedOn } from './names.js' */

/**
 * One that has to ask the controller first what there is.
 * @typedef {{label: string, danger?: boolean, prepare: () => Promise<Act>}} Prepared
 */

/**
 * The buttons for one thing; nothing where the one who looks may not. In the past: only the way back
 * to it.
 * @template {Kind} K
 * @param {App} app
 * @param {K} kind
 * @param {Rows[K]} row
 * @returns {TemplateResult | typeof nothing}
 */
export function actsOf(app, kind, row) {
  if (!isActedOn(kind) || !isOperator(app)) return nothing;
  const name = app.model.nameOf(kind, row);
  const subject = subjectOf(kind, row.id);
  if (!app.moment.live) {
    return group(name, [button(app, revertTo(subject, name, app.moment.position, 'Revert to this moment'))], []);
  }
  const { first, then } = actsFor(app, kind, row, name, subject);
  return group(name, first.map((each) => button(app, each)), then.map((each) => button(app, each)));
}

/**
 * @param {App} app
 * @param {ActedOn} kind
 * @param {Rows[Kind]} row
 * @param {string} name
 * @param {string} subject
 * @returns {{first: (Act | Prepared)[], then: (Act | Prepared)[]}} those that are seen, and the others
 */
function actsFor(app, kind, row, name, subject) {
  const back = { label: 'Revert', prepare: () => revertOf(app, subject, name) };
  switch (kind) {
    case 'microservices': {
      const it = /** @type {Microservice} */ (row);
      return {
        first: [startOrStop(it, name), move(it, name), { label: 'Configure', prepare: () => configure(app, it, name) }],
        then: [rebuild(it, name), renameMicroservice(it), back, removeMicroservice(it, name)],
      };
    }
    case 'applications': {
      const it = /** @type {Application} */ (row);
      return {
        first: [startOrStopAll(app, it), back],
        then: [rename('applications', it.id, it.name), removeApplication(app, it)],
      };
    }
    case 'nodes': {
      const it = /** @type {Node} */ (row);
      return {
        first: [provisioningKey(it)],
        then: [
          rename('nodes', it.id, it.name),
          ...(it.state === 'registered' ? [] : [...instructions(it), deprovision(it)]),
          back, removeNode(app, it),
        ],
      };
    }
    default:
      return { first: [back, remove(kind, row.id, name)], then: [] };
  }
}

/** Kinds that can be brought back, as subjects name them. */
const RESTORED = new Set(['node', 'application', 'microservice', 'route', 'registry', 'template', 'catalog-item',
  'edge-resource', 'volume', 'network']);

/**
 * A button that lets one thing be as it was at a position: beside an event, with that before it.
 * @param {App} app
 * @param {string} subject `<kind>/<id>`
 * @param {string} name
 * @param {number} position
 * @param {string} [label]
 * @returns {TemplateResult | typeof nothing}
 */
export function revertButton(app, subject, name, position, label = 'Revert to before') {
  if (!isOperator(app) || !RESTORED.has(subject.split('/')[0] ?? '')) return nothing;
  return button(app, revertTo(subject, name, position, label), 'plain');
}

/**
 * The way to the view that deploys a manifest.
 * @param {App} app
 * @returns {TemplateResult | typeof nothing}
 */
export function deployButton(app) {
  if (!may(app, 'operator')) return nothing;
  return html`<a class="button primary" href=${app.location.href('deploy')}>Deploy</a>`;
}

/**
 * Registers a node, then shows its key and the command for its device.
 * @param {App} app
 * @returns {TemplateResult | typeof nothing}
 */
export function newNode(app) {
  if (!may(app, 'operator')) return nothing;
  return button(app, register());
}

/** Also of one who looks at the past. @param {App} app */
const isOperator = (app) => app.session !== null && app.session.role !== 'viewer';

/**
 * @param {App} app
 * @param {Act | Prepared} act
 * @param {string} [style]
 */
function button(app, act, style = '') {
  return html`<button type="button" class=${act.danger && act.label === 'Delete' ? 'danger' : style}
    @click=${() => void opened(app, act)}>${act.label}</button>`;
}

/** @param {App} app @param {Act | Prepared} act */
async function opened(app, act) {
  try {
    ask(app, 'prepare' in act ? await act.prepare() : act);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    app.tell([error.message, error.nextStep].filter(Boolean).join(' '), { bad: true });
  }
}

/** @param {string} name @param {TemplateResult[]} first @param {TemplateResult[]} then */
const group = (name, first, then) => html`
  <div class="acts" role="group" aria-label=${`Acts on ${name}`}>${first}${then.length ? more(then) : nothing}</div>`;
