/** Whether a plan still holds: pure, for the course of acts. */

/** @import { EventLine } from '../core/types.js' */
/** @import { Plan } from './plan-types.js' */

/**
 * What happened, in words, since the plan to what it is about; '' if nothing did.
 * @param {readonly EventLine[]} events the oldest first
 * @param {Plan} plan
 * @param {readonly string[]} concerns subjects by id
 */
export function mayBeStale(events, plan, concerns) {
  const ids = new Set(concerns);
  const names = new Set(plan.changes.flatMap((each) => [each.about, ...each.events.map((event) => event.subject)]));
  for (const node of plan.nodes) names.add(`node/${node.name}`);
  for (let i = events.length - 1; i >= 0; i -= 1) {
    const line = /** @type {EventLine} */ (events[i]);
    if (line.position <= plan.position) break;
    const [kind = ''] = line.subject.split('/');
    if (ids.has(line.subject) || names.has(`${kind}/${line.subject_name ?? ''}`)) {
      return `Planned anew: ${line.type} of ${line.subject_name || line.subject} came in between, at ${line.position}.`;
    }
  }
  return '';
}

/**
 * Whether both say the same, at whatever positions.
 * @param {Plan} one
 * @param {Plan} other
 */
export const sameAs = (one, other) => said(one) === said(other);

/** @param {Plan} plan */
const said = (plan) => JSON.stringify([
  plan.changes.map((each) => [each.about, each.word, each.events, each.problem?.code]),
  plan.nodes, plan.warnings,
]);
