/** How far the containers have followed what was done: pure, of the model and the plan. */

/** @import { Model } from '../core/model.js' */
/** @import { Microservice } from '../core/types.js' */
/** @import { ContainerAction, Plan } from './plan-types.js' */

/**
 * @typedef {object} Step
 * @property {string} name `<application>/<name>`
 * @property {string} node
 * @property {'waits' | 'done' | 'told' | 'trouble'} how told: what comes of it is not reported
 * @property {string} says
 */

const TROUBLE = ['failed', 'backing-off'];
const DOES = {
  create: 'create it', replace: 'replace it', start: 'start it', restart: 'restart it', stop: 'stop it',
  remove: 'remove it', configure: 'configure it', nothing: '',
};

/**
 * @param {Model} model
 * @param {Plan} plan
 * @returns {Step[]}
 */
export function steps(model, plan) {
  const found = [];
  for (const node of plan.nodes) {
    for (const action of node.actions) {
      if (action.action !== 'nothing') found.push(step(model, node.name, action));
    }
  }
  return found;
}

/**
 * @param {Model} model
 * @param {string} nodeName
 * @param {ContainerAction} action
 * @returns {Step}
 */
function step(model, nodeName, action) {
  const name = action.microservice;
  const node = model.find('nodes', nodeName);
  const away = node !== undefined && node.state !== 'online';
  /** @param {Step['how']} how @param {string} says @returns {Step} */
  const is = (how, says) => ({ name, node: nodeName, how, says });
  if (action.action === 'remove') {
    return is('told', away ? `${nodeName} removes it when it is back` : `${nodeName} is told to remove it`);
  }
  const row = model.find('microservices', name);
  if (!row) return is('waits', 'the page has not heard of it yet');
  if (stands(row, action)) return is('done', action.action === 'configure' ? 'configured' : row.state);
  if (away) return is('waits', `${nodeName} is ${node.state}: it follows when it is back`);
  if (row.current && TROUBLE.includes(row.state)) return is('trouble', row.reason ? `${row.state}: ${row.reason}` : row.state);
  const now = row.current && row.state !== 'queued' ? ` (${row.state})` : '';
  return is('waits', `waiting for ${nodeName} to ${DOES[action.action]}${now}`);
}

/**
 * Whether it is as the action wants it.
 * @param {Microservice} row
 * @param {ContainerAction} action
 */
function stands(row, action) {
  if (!row.current) return false;
  if (action.action === 'stop') return row.state !== 'running';
  if (action.action === 'configure') return true;
  return row.state === 'running' && row.health !== 'starting' && row.health !== 'unhealthy';
}
