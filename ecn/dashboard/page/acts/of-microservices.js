/** What can be done to a microservice. */

import { html } from '../core/html.js';
import { planOf } from './act.js';
import { chooseNode } from './choose-node.js';
import { remove, rename } from './common.js';
import { field } from './fields.js';
import { hasNull, isObject, mergePatch } from './merge-patch.js';
import { pathOf, subjectOf } from './names.js';

/** @import { App } from '../core/app.js' */
/** @import { Microservice } from '../core/types.js' */
/** @import { Act, Input } from './act.js' */

/**
 * @param {Microservice} row
 * @param {string} name `<application>/<name>`
 * @returns {Act}
 */
export function startOrStop(row, name) {
  const verb = row.started === false ? 'start' : 'stop';
  const subject = subjectOf('microservices', row.id);
  const label = verb === 'start' ? 'Start' : 'Stop';
  return {
    label,
    title: `${label} ${name}`,
    danger: verb === 'stop',
    concerns: [subject],
    plan: () => planOf({ do: verb, subject }),
    send: () => ({ method: 'POST', path: `${pathOf('microservices', row.id)}/${verb}` }),
  };
}

/** @param {Microservice} row @param {string} name @returns {Act} */
export const move = (row, name) => ({
  label: 'Move',
  title: `Move ${name}`,
  concerns: [subjectOf('microservices', row.id)],
  begin: () => ({ node: '', search: '' }),
  form: (app, input, set) => chooseNode(app, input, set, row.node_id),
  missing: (_app, input) => (input['node'] ? '' : 'Choose a node: then its plan is shown.'),
  confirm: () => `Move ${name}`,
  plan: (_app, input) => planOf({ do: 'move', microservice: row.id, node: input['node'] }),
  send: (_app, input) => ({
    method: 'POST', path: `${pathOf('microservices', row.id)}/move`, body: { node: input['node'] },
  }),
});

/** @param {Microservice} row @param {string} name @returns {Act} */
export const rebuild = (row, name) => ({
  label: 'Rebuild',
  title: `Rebuild ${name}`,
  explains: 'Its image is looked for anew, and its container is made from it.',
  danger: true,
  concerns: [subjectOf('microservices', row.id)],
  plan: () => planOf({ do: 'rebuild', microservice: row.id }),
  send: () => ({ method: 'POST', path: `${pathOf('microservices', row.id)}/rebuild` }),
});

/**
 * @param {App} app
 * @param {Microservice} row
 * @param {string} name
 * @returns {Promise<Act>} with the configuration as it is
 */
export async function configure(app, row, name) {
  const { config } = await app.api.get(pathOf('microservices', row.id));
  const before = isObject(config) ? config : {};
  return configuration(row, name, before);
}

/**
 * @param {Microservice} row
 * @param {string} name
 * @param {Record<string, unknown>} before
 * @returns {Act}
 */
function configuration(row, name, before) {
  const change = (/** @type {Input} */ input) => ({ config: mergePatch(before, read(input).value ?? {}) });
  return {
    label: 'Configure',
    title: `Configure ${name}`,
    explains: 'Its configuration is delivered while it runs on.',
    concerns: [subjectOf('microservices', row.id)],
    begin: () => ({ config: JSON.stringify(before, null, 2) }),
    form: (_app, input, set) => html`${field(input, set, 'config', 'Configuration, as JSON', { first: true, rows: 12, code: true })}`,
    missing: (_app, input) => {
      const { value, fault } = read(input);
      if (!value) return fault;
      return Object.keys(mergePatch(before, value)).length ? '' : 'It is as it was: change something.';
    },
    confirm: () => `Configure ${name}`,
    plan: (_app, input) => planOf({ do: 'update-microservice', microservice: row.id, change: change(input) }),
    send: (_app, input) => ({ method: 'PATCH', path: pathOf('microservices', row.id), body: change(input) }),
  };
}

/**
 * @param {Input} input
 * @returns {{value?: Record<string, unknown>, fault: string}}
 */
function read(input) {
  try {
    const value = JSON.parse(String(input['config'] ?? ''));
    if (!isObject(value)) return { fault: 'It has to be an object: { … }' };
    if (hasNull(value)) return { fault: 'null can’t be a value here: leave the key out.' };
    return { value, fault: '' };
  } catch (error) {
    return { fault: `This is not JSON yet: ${/** @type {Error} */ (error).message}` };
  }
}

/** @param {Microservice} row @param {string} name @returns {Act} */
export const removeMicroservice = (row, name) => remove('microservices', row.id, name);

/** @param {Microservice} row @returns {Act} */
export const renameMicroservice = (row) => rename('microservices', row.id, row.name);
