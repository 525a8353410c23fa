/**
 * How a microservice is, in one word: its container's state, what its health check says, and whether
 * its node is there to say it. Pure: for lists, the overview and what needs attention.
 */

/** @import { Microservice, Node } from './types.js' */

/** Those that are not as they should be. */
export const FAILING = ['failed', 'backing-off', 'unhealthy', 'unknown'];
/** Those on their way. */
export const ON_THE_WAY = ['queued', 'waiting', 'pulling', 'starting'];
/** All, as a bar or a row of filters shows them: from well to ill. */
export const CONDITIONS = ['running', ...ON_THE_WAY, 'exited', 'stopped', ...FAILING, 'unheard'];

/** What agents say of a container that simply runs, which is no news. */
export const RUNS = 'running';

/**
 * @param {Microservice} microservice
 * @param {Node | undefined} node that it belongs on
 * @returns {string} one of CONDITIONS. `unheard`: its node is offline, and what its agent said last
 *     may not hold any more
 */
export function conditionOf(microservice, node) {
  if (node && node.state === 'offline') return 'unheard';
  if (microservice.state === RUNS && microservice.health === 'unhealthy') return 'unhealthy';
  return microservice.state;
}

/**
 * What a reader should know beside the condition.
 * @param {Microservice} microservice
 * @param {Node | undefined} node
 * @returns {string} '' where there is nothing to say
 */
export function noteOf(microservice, node) {
  const said = microservice.state === RUNS && microservice.health !== 'unhealthy' ? ''
    : microservice.reason ?? '';
  if (node?.state === 'offline') {
    return `last word: ${microservice.state}${said ? `; ${said}` : ''}`;
  }
  if (node?.state === 'registered') return `node ${node.name} has no device yet`;
  return said || (microservice.started !== false && !microservice.current &&
    microservice.state === RUNS ? 'changing' : '');
}
