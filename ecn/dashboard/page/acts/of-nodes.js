/** What can be done to a node and its device, and how a new one is registered. */

import { html, nothing } from '../core/html.js';
import { planOf, textOf } from './act.js';
import { remove } from './common.js';
import { check, field, select } from './fields.js';
import { pathOf, subjectOf } from './names.js';
import './provisioning.js';

/** @import { App } from '../core/app.js' */
/** @import { Node } from '../core/types.js' */
/** @import { Act, Input } from './act.js' */

const VALIDITIES = /** @type {const} */ ([['1200', '20 minutes'], ['3600', 'an hour'], ['86400', 'a day'], ['604800', 'a week']]);

/** @param {Node} row @returns {Act} */
export const provisioningKey = (row) => ({
  label: 'Provisioning key',
  title: `Make a provisioning key for ${row.name}`,
  explains: `With it, one device becomes ${row.name}. It replaces a key that was made before${
    row.state === 'registered' ? '.' : '; the device that is the node now is it until the key is used.'}`,
  concerns: [subjectOf('nodes', row.id)],
  begin: () => ({ valid_for: '1200' }),
  form: (_app, input, set) => select(input, set, 'valid_for', 'Good for', VALIDITIES),
  confirm: () => 'Make the key and show it',
  send: (_app, input) => ({
    method: 'POST', path: `${pathOf('nodes', row.id)}/provisioning-key`, body: { valid_for: Number(input['valid_for']) },
  }),
  after: (app, result) => html`<ecn-provisioning .app=${app} .node=${row.id} .issued=${result}></ecn-provisioning>`,
});

/** @returns {Act} */
export const register = () => ({
  label: 'New node',
  title: 'Register a node',
  explains: 'A node is a place for a device. Its key, and what to run on the device, come next.',
  concerns: [],
  begin: () => ({ name: '', description: '', location: '', labels: '' }),
  form: (_app, input, set) => html`<div class="act-fields">
    ${field(input, set, 'name', 'Name', { first: true, hint: 'letters, digits and -, as in edge-7' })}
    ${field(input, set, 'location', 'Place')}
    ${field(input, set, 'description', 'Description')}
    ${field(input, set, 'labels', 'Labels, one in a line', { rows: 2, hint: 'site=berlin' })}</div>`,
  missing: (app, input) => {
    const name = textOf(input, 'name');
    if (!name) return 'Give it a name.';
    if ([...app.model.rows.nodes.values()].some((each) => each.name === name)) return 'There is a node of that name already.';
    return labels(input) ? '' : 'A label is a name, =, and a value.';
  },
  confirm: (input) => (textOf(input, 'name') ? `Register ${textOf(input, 'name')} and make its key` : 'Register'),
  plan: (_app, input) => planOf({ do: 'apply-node', name: textOf(input, 'name'), settings: settings(input) }),
  send: (_app, input) => ({
    method: 'POST', path: '/nodes', body: { name: textOf(input, 'name'), settings: settings(input) },
  }),
  after: (app, result) => html`<ecn-provisioning .app=${app} .node=${result.subject.replace('node/', '')}></ecn-provisioning>`,
});

/** @param {Input} input */
function settings(input) {
  const found = labels(input) ?? {};
  return {
    ...(textOf(input, 'description') ? { description: textOf(input, 'description') } : {}),
    ...(textOf(input, 'location') ? { location: textOf(input, 'location') } : {}),
    ...(Object.keys(found).length ? { labels: found } : {}),
  };
}

/**
 * @param {Input} input
 * @returns {Record<string, string> | null} null where a line is none
 */
function labels(input) {
  const lines = textOf(input, 'labels').split('\n').map((each) => each.trim()).filter(Boolean);
  const pairs = lines.map((each) => /^([^=\s]+)\s*=\s*(.*)$/.exec(each));
  if (pairs.some((each) => each === null)) return null;
  return Object.fromEntries(pairs.map((each) => [each?.[1] ?? '', each?.[2] ?? '']));
}

/** @type {readonly (readonly ['reboot' | 'prune' | 'upgrade' | 'rollback', string, string, string])[]} */
const INSTRUCTIONS = [
  ['reboot', 'Reboot', 'Reboot the device of', 'All that runs on it is away while it restarts.'],
  ['prune', 'Prune images', 'Prune images of', 'Images that nothing uses are removed from the device.'],
  ['upgrade', 'Upgrade agent', 'Upgrade the agent of', 'Containers run on meanwhile. An upgrade that does not prove itself is taken back.'],
  ['rollback', 'Roll agent back', 'Roll back the agent of', 'It goes back to the version that it had before. Containers run on meanwhile.'],
];

/** @param {Node} row @returns {Act[]} */
export const instructions = (row) => INSTRUCTIONS.map(([instruction, label, title, explains]) => {
  const version = (/** @type {Input} */ input) => (instruction === 'upgrade' ? { version: textOf(input, 'version') } : {});
  return {
    label,
    title: `${title} ${row.name}`,
    explains,
    danger: instruction !== 'prune',
    concerns: [subjectOf('nodes', row.id)],
    ...(instruction === 'upgrade' ? {
      form: (/** @type {App} */ _app, /** @type {Input} */ input, /** @type {(more: Input) => void} */ set) =>
        field(input, set, 'version', 'Version', { first: true, hint: 'empty: the newest that its package index has' }),
    } : {}),
    plan: (_app, input) => planOf({ do: 'instruct', node: row.id, instruction, ...version(input) }),
    send: (_app, input) => ({
      method: 'POST', path: `${pathOf('nodes', row.id)}/${instruction}`,
      ...(instruction === 'upgrade' ? { body: version(input) } : {}),
    }),
  };
});

/** @param {Node} row @returns {Act} */
export const deprovision = (row) => ({
  label: 'Deprovision',
  title: `Deprovision ${row.name}`,
  explains: 'Its device removes our containers and is this node no more. The node stays, with what should run there; another device may take its place.',
  danger: true,
  typed: row.name,
  concerns: [subjectOf('nodes', row.id)],
  plan: () => planOf({ do: 'deprovision', node: row.id }),
  send: () => ({ method: 'POST', path: `${pathOf('nodes', row.id)}/deprovision` }),
});

/** @param {App} app @param {Node} row @returns {Act} */
export function removeNode(app, row) {
  const there = app.model.byNode.get(row.id) ?? [];
  const subject = subjectOf('nodes', row.id);
  return {
    ...remove('nodes', row.id, row.name),
    explains: 'Its device, if it has one, is parted for good.',
    typed: row.name,
    concerns: [subject, ...there.map((each) => subjectOf('microservices', each.id))],
    begin: () => ({ force: false }),
    form: (_app, input, set) => html`${there.length ? check(input, set, 'force',
      `Delete what runs on it, too: ${there.length} microservice${there.length === 1 ? '' : 's'}`) : nothing}`,
    plan: (_app, input) => planOf({ do: 'delete', subject, force: input['force'] === true }),
    send: (_app, input) => ({
      method: 'DELETE', path: `${pathOf('nodes', row.id)}${input['force'] === true ? '?force=true' : ''}`,
    }),
  };
}
