/** What can be done to an application. */

import { planOf } from './act.js';
import { remove } from './common.js';
import { pathOf, subjectOf } from './names.js';

/** @import { App } from '../core/app.js' */
/** @import { Application } from '../core/types.js' */
/** @import { Act } from './act.js' */

/**
 * What the plans of an application are about: itself, and all that is in it.
 * @param {App} app
 * @param {Application} row
 */
const concerned = (app, row) => [
  subjectOf('applications', row.id),
  ...(app.model.byApplication.get(row.id) ?? []).map((each) => subjectOf('microservices', each.id)),
];

/** @param {App} app @param {Application} row @returns {Act} */
export function startOrStopAll(app, row) {
  const verb = row.started === false ? 'start' : 'stop';
  const label = verb === 'start' ? 'Start' : 'Stop';
  return {
    label,
    title: `${label} ${row.name}`,
    danger: verb === 'stop',
    concerns: concerned(app, row),
    plan: () => planOf({ do: verb, subject: subjectOf('applications', row.id) }),
    send: () => ({ method: 'POST', path: `${pathOf('applications', row.id)}/${verb}` }),
  };
}

/** @param {App} app @param {Application} row @returns {Act} */
export const removeApplication = (app, row) => ({
  ...remove('applications', row.id, row.name),
  explains: 'It goes with all its microservices and routes. Their history stays in the log.',
  typed: row.name,
  concerns: concerned(app, row),
});
