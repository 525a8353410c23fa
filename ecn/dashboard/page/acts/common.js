/** Acts that several kinds of thing have: delete, rename, revert. */

import { html } from '../core/html.js';
import { when } from '../parts/time.js';
import { planOf, textOf } from './act.js';
import { field } from './fields.js';
import { pathOf, subjectOf, wordOf } from './names.js';

/** @import { App } from '../core/app.js' */
/** @import { EventLine } from '../core/types.js' */
/** @import { Act } from './act.js' */
/** @import { ActedOn } from './names.js' */

/**
 * @param {ActedOn} kind
 * @param {string} id
 * @param {string} name
 * @returns {Act}
 */
export const remove = (kind, id, name) => ({
  label: 'Delete',
  title: `Delete ${name}`,
  danger: true,
  concerns: [subjectOf(kind, id)],
  plan: () => planOf({ do: 'delete', subject: subjectOf(kind, id) }),
  send: () => ({ method: 'DELETE', path: pathOf(kind, id) }),
});

/**
 * @param {'nodes' | 'applications' | 'microservices'} kind
 * @param {string} id
 * @param {string} name its own, without that of its application
 * @returns {Act}
 */
export const rename = (kind, id, name) => ({
  label: 'Rename',
  title: `Rename ${name}`,
  concerns: [subjectOf(kind, id)],
  begin: () => ({ name }),
  form: (_app, input, set) => field(input, set, 'name', `New name of the ${wordOf(kind)}`, { first: true }),
  missing: (_app, input) => (!textOf(input, 'name') || textOf(input, 'name') === name ? 'Give it another name.' : ''),
  confirm: (input) => (textOf(input, 'name') ? `Rename it ${textOf(input, 'name')}` : 'Rename'),
  plan: (_app, input) => planOf({ do: 'rename', subject: subjectOf(kind, id), name: textOf(input, 'name') }),
  send: (_app, input) => (kind === 'nodes'
    ? { method: 'PATCH', path: pathOf(kind, id), body: { name: textOf(input, 'name') } }
    : { method: 'POST', path: `${pathOf(kind, id)}/rename`, body: { name: textOf(input, 'name') } }),
  done: ({ location }, input) => {
    // A page about it goes along with it.
    const { view, rest, query } = location;
    const place = kind === 'microservices' ? 1 : 0;
    if (view !== kind || rest[place] !== name) return;
    location.go(location.href(view, rest.with(place, textOf(input, 'name')), Object.fromEntries(query)), { replace: true });
  },
});

/**
 * Let it be as it was at that position.
 * @param {string} subject `<kind>/<id>`
 * @param {string} name
 * @param {number} position
 * @param {string} [label]
 * @returns {Act}
 */
export const revertTo = (subject, name, position, label = 'Revert') => ({
  label,
  title: `Revert ${name} to position ${position}`,
  explains: `${name} becomes what it was at position ${position} of the log, by a change of its own: nothing of the history is lost, and it can be reverted, too.`,
  concerns: [subject],
  plan: () => ({ method: 'POST', path: '/revert', body: { to: String(position), subjects: [subject], plan: true } }),
  send: (_app, _input, seen) => ({
    method: 'POST', path: '/revert', body: { to: String(position), subjects: [subject], expected_position: seen },
  }),
  toNow: true,
});

/**
 * Let it be as it was before one of its changes, or at any moment.
 * @param {string} subject `<kind>/<id>`
 * @param {string} name
 * @param {EventLine[]} events its last changes, the newest first
 * @returns {Act}
 */
export const revert = (subject, name, events) => ({
  label: 'Revert',
  title: `Revert ${name}`,
  explains: 'It becomes what it was then, by a change of its own: nothing of the history is lost.',
  concerns: [subject],
  begin: () => ({ to: '' }),
  form: (app, input, set) => html`
    <fieldset class="choices"><legend class="act-legend">As it was before</legend>
      ${events.length ? events.map((each) => html`
        <label class="choice"><input type="radio" name="before" .checked=${input['to'] === String(each.position - 1)}
            @change=${() => set({ to: String(each.position - 1) })}>
          <span class="choice-name">${each.type.replace(/\.v\d+$/, '')}</span>
          <span class="quiet">by ${(each.actor_name || 'the controller').replace(/^user\//, '')}, ${when(app, each.time)}, at ${each.position}</span></label>`)
        : html`<p class="quiet">No change of it is kept but that it was made.</p>`}
    </fieldset>
    ${field(input, set, 'to', 'Or at any moment: a position of the log, or a time', { hint: 'for instance 1200, or 2026-01-31T12:00:00Z' })}`,
  missing: (_app, input) => (textOf(input, 'to') ? '' : 'Choose a moment.'),
  confirm: (input) => (textOf(input, 'to') ? `Revert it to ${textOf(input, 'to')}` : 'Revert'),
  plan: (_app, input) => ({ method: 'POST', path: '/revert', body: { to: textOf(input, 'to'), subjects: [subject], plan: true } }),
  send: (_app, input, seen) => ({
    method: 'POST', path: '/revert', body: { to: textOf(input, 'to'), subjects: [subject], expected_position: seen },
  }),
});

/**
 * The act with the last changes of the thing to choose among.
 * @param {App} app
 * @param {string} subject
 * @param {string} name
 */
export async function revertOf(app, subject, name) {
  const query = new URLSearchParams({ subject, changes: 'true', order: 'desc', limit: '12' });
  const { items } = await app.api.get(`/events?${query}`);
  return revert(subject, name, items);
}
