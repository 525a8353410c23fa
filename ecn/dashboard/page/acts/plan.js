/** A plan, shown: what becomes of each thing, what the devices do, what to know before. */

import { html, nothing } from '../core/html.js';
import { stateBadge } from '../parts/state.js';
import { valueText } from '../parts/value.js';

/** @import { Caution, ContainerAction, Plan, PlannedChange, PlannedEvent, PlannedField, PlannedNode } from './plan-types.js' */
/** @import { ProblemDocument } from '../core/types.js' */

/** More fields of one thing than this are folded. */
const FEW = 6;
/** More things or containers than this are folded. */
const MANY = 12;

const MARKS = { created: '+', updated: '~', deleted: '−', unchanged: '=', refused: '!' };

/** @param {Plan} plan */
export const planView = (plan) => html`
  <div class="plan">
    ${plan.stale ? html`<p class="plan-note warn">The controller may not know the newest state of the network right now.</p>` : nothing}
    <ul class="plan-things" aria-label="What becomes of each thing">
      ${folded(plan.changes.map(changeView), 'things')}
    </ul>
    ${plan.nodes.length ? html`
      <h3>On the devices</h3>
      <ul class="plan-nodes">${folded(plan.nodes.filter((each) => each.actions.length > 0).map(nodeView), 'nodes')}</ul>` : nothing}
    ${plan.warnings.length ? html`
      <ul class="plan-warnings" aria-label="To know before">${plan.warnings.map(cautionView)}</ul>` : nothing}
    <p class="plan-sum quiet" role="status">${sumOf(plan)}</p>
  </div>`;

/**
 * What it comes to, in a sentence.
 * @param {Plan} plan
 */
function sumOf({ totals, position }) {
  const things = [
    [totals.created, 'to create'], [totals.updated, 'to change'], [totals.deleted, 'to delete'],
    [totals.refused, 'refused'],
  ].filter(([count]) => count).map(([count, what]) => `${count} ${what}`);
  const containers = Object.entries(totals.containers).map(([doing, count]) => `${count} to ${doing}`);
  const parts = [
    things.length ? `Things: ${things.join(', ')}` : 'Nothing changes',
    ...(containers.length ? [`containers: ${containers.join(', ')}`] : []),
  ];
  return `${parts.join('; ')}. As of position ${position}.`;
}

/** @param {PlannedChange} change */
function changeView(change) {
  const own = change.events.filter((each) => !saysNoMore(each, change));
  return html`
    <li class="plan-thing ${change.word}">
      <div class="plan-head">
        <span class="plan-mark" aria-hidden="true">${MARKS[change.word]}</span>
        <b>${change.about}</b> <span class="plan-word">${wordOf(change)}</span>
      </div>
      ${change.problem ? refusal(change.problem) : nothing}
      ${own.length ? html`<ul class="plan-events">${folded(own.map((event) => eventView(event, change)), 'events')}</ul>` : nothing}
    </li>`;
}

/**
 * Whether an event tells nothing that its thing's line does not.
 * @param {PlannedEvent} event
 * @param {PlannedChange} change
 */
const saysNoMore = (event, { about, word }) =>
  event.subject === about && event.fields.length === 0 &&
  (event.type.split('.')[1] === word || (word === 'created' && event.type.startsWith('node.registered.')));

/** @param {PlannedChange} change */
const wordOf = ({ word, events }) =>
  word === 'unchanged' ? 'is as asked already' : word === 'updated' && events.length === 1 ? '' : word;

/**
 * @param {PlannedEvent} event
 * @param {PlannedChange} change
 */
function eventView(event, change) {
  const name = event.subject === change.about ? nothing : html`<span class="plan-subject">${event.subject}</span> `;
  const word = event.type.split('.')[1] ?? event.type;
  const fields = event.fields.length === 0 ? nothing
    : event.fields.length <= FEW ? fieldsView(event.fields)
    : html`<details><summary>${event.fields.length} fields</summary>${fieldsView(event.fields)}</details>`;
  return html`<li>${name}<span title=${event.type}>${event.fields.length ? word : event.says}</span>${fields}</li>`;
}

/** @param {PlannedField[]} fields */
function fieldsView(fields) {
  // Of what is new, nothing was before.
  const had = fields.some((each) => each.before !== null && each.before !== undefined);
  return html`
    <table class="plan-fields">
      <caption class="only-read-aloud">${had ? 'Fields, before and after' : 'Fields'}</caption>
      <thead class="only-read-aloud"><tr><th scope="col">Field</th>${had ? html`<th scope="col">Before</th>` : nothing}<th scope="col">After</th></tr></thead>
      <tbody>${fields.map((each) => html`
        <tr><th scope="row">${each.field}</th>
          ${had ? html`<td>${isNone(each.before) ? html`<span class="quiet">–</span>` : html`<del>${valueText(each.before)}</del>`}</td>` : nothing}
          <td>${isNone(each.after) ? html`<span class="quiet">none</span>` : html`<ins>${valueText(each.after)}</ins>`}</td></tr>`)}
      </tbody>
    </table>`;
}

/** @param {unknown} value */
const isNone = (value) => value === null || value === undefined;

/** @param {ProblemDocument} problem */
const refusal = (problem) => html`
  <div class="plan-note bad"><p>${problem.detail || problem.title}</p>
    ${problem.next_step ? html`<p class="quiet">${problem.next_step}</p>` : nothing}</div>`;

/** @param {PlannedNode} node */
const nodeView = (node) => html`
  <li class="plan-node">
    <div class="plan-head"><b>${node.name}</b> ${stateBadge(node.state)}</div>
    <ul>${folded(node.actions.map(actionView), 'containers')}</ul>
  </li>`;

/** @param {ContainerAction} action */
const actionView = (action) => html`
  <li><span class="plan-action ${action.action}">${action.action}</span> <span class="plan-subject">${action.microservice}</span>
    <span class="quiet">${action.says}</span></li>`;

/** @param {Caution} caution */
const cautionView = (caution) => html`
  <li class="plan-note warn"><p><b>${caution.about}</b>: ${caution.says}</p>
    ${caution.next_step ? html`<p class="quiet">${caution.next_step}</p>` : nothing}</li>`;

/**
 * The first of them; the others behind a line that says how many they are.
 * @param {unknown[]} items list items
 * @param {string} what
 */
const folded = (items, what) => (items.length <= MANY ? items : html`${items.slice(0, MANY)}
  <li class="plan-more"><details><summary>${items.length - MANY} more ${what}</summary><ul>${items.slice(MANY)}</ul></details></li>`);
