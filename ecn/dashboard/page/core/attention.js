/**
 * What needs attention, the worst first. Pure: from the model to a list, for the overview.
 *
 * What has one cause is one line: microservices of an offline node are told with it, many of a kind are
 * told together, by the label that explains most of them or by their application.
 */

import { FEW, groupsOf, latest, many, mostly, sentences } from './concern.js';
import { conditionOf, FAILING, noteOf } from './condition.js';
import { offline } from './offline.js';

/** @import { Concern, Seen } from './concern.js' */
/** @import { Flow, Microservice, Route } from './types.js' */

/** So long a microservice may wait for its agent before somebody should look. Milliseconds. */
const QUEUED_LONG = 5 * 60_000;

/**
 * @param {Seen} model
 * @param {number} now milliseconds since 1970
 * @param {{state: string, since: string} | null} [link] what is wrong with the page's own link
 * @returns {Concern[]} the worst first; among equals what concerns most things, then the latest
 */
export function attention(model, now, link = null) {
  return [
    ...linkOf(link),
    ...interiorRouter(model),
    ...offline(model),
    ...failing(model),
    ...applications(model),
    ...problems(model),
    ...flows(model),
    ...queued(model, now),
  ].sort((a, b) => a.rank - b.rank || b.size - a.size ||
    (b.since ?? '').localeCompare(a.since ?? '') || a.key.localeCompare(b.key));
}

/**
 * @param {{state: string, since: string} | null} link
 * @returns {Concern[]}
 */
function linkOf(link) {
  if (!link) return [];
  return [{
    key: 'link', tone: 'bad', state: link.state, since: link.since, rank: 0, size: 1, detail: 'What is shown may have changed since.',
    what: link.state === 'stale' ? 'The controller has no database, and takes no changes'
      : 'The controller does not answer',
  }];
}

/**
 * @param {Seen} model
 * @returns {Concern[]}
 */
function interiorRouter({ interiorRouter: { state, reason } }) {
  if (state !== 'down') return [];
  return [{
    key: 'interior-router', tone: 'bad', state, what: 'The interior router is down',
    detail: reason || 'Messages between nodes wait on their nodes.', to: { view: 'routers' },
    rank: 0, size: 1,
  }];
}

/** @type {Record<string, {rank: number, tone: 'bad' | 'warn', says: string}>} */
const ILL = {
  failed: { rank: 2, tone: 'bad', says: 'failed' },
  'backing-off': { rank: 3, tone: 'bad', says: 'ended, and is tried again' },
  unhealthy: { rank: 4, tone: 'bad', says: 'runs and is unhealthy' },
  unknown: { rank: 5, tone: 'warn', says: 'can\'t be asked how it is' },
};
/** @type {Record<string, string>} the same of several */
const ILL_MANY = {
  failed: 'failed', 'backing-off': 'ended, and are tried again',
  unhealthy: 'run and are unhealthy', unknown: 'can\'t be asked how they are',
};

/**
 * @param {Seen} model
 * @returns {Concern[]}
 */
function failing(model) {
  const ill = [...model.rows.microservices.values()].filter((each) => each.started !== false &&
    model.rows.applications.get(each.application_id)?.started !== false);
  const groups = groupsOf(ill, (each) => {
    const condition = conditionOf(each, model.rows.nodes.get(each.node_id));
    return FAILING.includes(condition) ? `${condition} ${each.application_id}` : '';
  });
  groups.delete('');
  return [...groups].flatMap(/** @returns {Concern[]} */ ([key, members]) => {
    const state = key.slice(0, key.indexOf(' '));
    const { rank, tone, says } = /** @type {typeof ILL[string]} */ (ILL[state]);
    if (members.length <= FEW) {
      return members.map((each) => ({
        key: `${state} ${each.id}`, tone, state, rank, size: 1, since: each.at,
        what: `${model.nameOf('microservices', each)} ${says}`,
        detail: reasonOf(model, each),
        to: { view: 'microservices', rest: model.nameOf('microservices', each).split('/') },
      }));
    }
    const name = applicationName(model, members[0]?.application_id ?? '');
    return [{
      key, tone, state, rank, size: members.length, since: latest(members.map((each) => each.at)),
      what: `${members.length} microservices of ${name} ${ILL_MANY[state]}`,
      detail: mostly(members.map((each) => reasonOf(model, each))),
      to: { view: 'microservices', filters: { state, application: name } },
    }];
  });
}

/**
 * Those that fail though none of their microservices is told of.
 * @param {Seen} model
 * @returns {Concern[]}
 */
function applications(model) {
  const told = new Set([...model.rows.microservices.values()]
    .filter((each) => FAILING.includes(conditionOf(each, model.rows.nodes.get(each.node_id))))
    .map((each) => each.application_id));
  return [...model.rows.applications.values()]
    .filter((each) => each.state === 'failing' && !told.has(each.id))
    .map((each) => ({
      key: `application ${each.id}`, tone: 'warn', state: 'failing', rank: 6, size: 1,
      what: `${each.name} was failing when its nodes were last heard`, detail: '',
      to: { view: 'applications', rest: [each.name] },
    }));
}

/**
 * What devices say is wrong with them.
 * @param {Seen} model
 * @returns {Concern[]}
 */
function problems(model) {
  const said = [...model.rows.nodes.values()].filter((node) => node.state === 'online')
    .flatMap((node) => (node.problems ?? []).map((text) => ({ node, text })));
  return [...groupsOf(said, ({ text }) => text)].flatMap(/** @returns {Concern[]} */ ([text, all]) => {
    /** @type {Pick<Concern, 'tone' | 'state' | 'rank' | 'detail'>} */
    const kind = { tone: 'warn', state: 'problem', rank: 7, detail: text };
    if (all.length > FEW) {
      return [{ ...kind, key: `problem ${text}`, size: all.length,
        what: `${all.length} devices have the same problem`,
        to: { view: 'nodes', filters: { problem: 'yes' } } }];
    }
    return all.map(({ node }) => ({ ...kind, key: `problem ${node.id} ${text}`, size: 1,
      what: `The device of ${node.name} has a problem`, to: { view: 'nodes', rest: [node.name] } }));
  });
}

/**
 * Routes that refuse, and those behind which messages wait.
 * @param {Seen} model
 * @returns {Concern[]}
 */
function flows(model) {
  /** @type {{route: Route, flow: Flow, state: string}[]} */
  const ill = [];
  for (const route of model.rows.routes.values()) {
    const flow = model.flows.get(route.id);
    if (flow?.state === 'refusing' || (flow?.state === 'waiting' && (flow.stored ?? 0) > 0)) {
      ill.push({ route, flow, state: flow.state });
    }
  }
  return [...groupsOf(ill, ({ state, route }) => `${state} ${route.application_id}`)]
    .flatMap(/** @returns {Concern[]} */ ([key, all]) => {
      const state = all[0]?.state ?? '';
      /** @type {Pick<Concern, 'tone' | 'state' | 'rank'>} */
      const kind = state === 'refusing' ? { tone: 'bad', state, rank: 5 }
        : { tone: 'warn', state, rank: 8 };
      const verb = state === 'refusing' ? 'refuse messages' : 'wait';
      if (all.length > FEW) {
        const stored = all.reduce((sum, { flow }) => sum + (flow.stored ?? 0), 0);
        const name = applicationName(model, all[0]?.route.application_id ?? '');
        return [{ ...kind, key: `route ${key}`, size: all.length,
          what: `${all.length} routes of ${name} ${verb}`,
          detail: sentences(mostly(all.map(({ flow }) => flow.reason ?? '')), waiting(stored)),
          to: { view: 'routes', filters: { state, application: name } } }];
      }
      return all.map(({ route, flow }) => ({ ...kind, key: `route ${route.id}`, size: 1,
        what: `Route ${model.nameOf('routes', route)} ${verb.replace(/^(wait|refuse)/, '$1s')}`,
        detail: sentences(flow.reason ?? '', waiting(flow.stored ?? 0)),
        to: { view: 'routes', rest: model.nameOf('routes', route).split('/') } }));
    });
}

/**
 * Microservices that no agent took up, though its node is online.
 * @param {Seen} model
 * @param {number} now
 * @returns {Concern[]}
 */
function queued(model, now) {
  const long = [...model.rows.microservices.values()].filter((each) => each.state === 'queued' &&
    each.started !== false && model.rows.nodes.get(each.node_id)?.state === 'online' &&
    model.rows.applications.get(each.application_id)?.started !== false &&
    now - Date.parse(each.updated_at) > QUEUED_LONG);
  if (!long.length) return [];
  const [first] = long;
  const name = first ? model.nameOf('microservices', first) : '';
  return [{
    key: 'queued', tone: 'warn', state: 'queued', rank: 9, size: long.length,
    since: latest(long.map((each) => each.updated_at)),
    what: long.length === 1 ? `${name} was not taken up by its node`
      : `${long.length} microservices were not taken up by their nodes`,
    detail: 'Their agents are online and have said nothing of them.',
    to: long.length === 1 ? { view: 'microservices', rest: name.split('/') }
      : { view: 'microservices', filters: { state: 'queued' } },
  }];
}

/**
 * @param {Seen} model
 * @param {Microservice} each
 */
const reasonOf = (model, each) => {
  const node = model.rows.nodes.get(each.node_id);
  return sentences(noteOf(each, node), node ? `on ${node.name}` : '');
};

/**
 * @param {Seen} model
 * @param {string} id
 */
const applicationName = (model, id) => model.rows.applications.get(id)?.name ?? id;

/** @param {number} stored */
const waiting = (stored) => (stored ? `${many(stored, 'message')} stored` : '');
