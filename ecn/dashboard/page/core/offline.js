/**
 * Nodes that are offline, as few concerns: one for each, or for each label that explains many. Pure.
 */

import { add, FEW, groupsOf, latest, many, sentences } from './concern.js';

/** @import { Concern, Seen } from './concern.js' */
/** @import { Node } from './types.js' */

/**
 * @param {Seen} model
 * @returns {Concern[]}
 */
export function offline(model) {
  const away = [...model.rows.nodes.values()].filter((node) => node.state === 'offline');
  const alone = (/** @type {Node} */ node) => {
    const there = model.byNode.get(node.id)?.length ?? 0;
    return {
      key: `offline ${node.id}`, what: `${node.name} is offline`, since: node.since,
      detail: sentences(OFFLINE[node.offline_reason ?? ''] ?? '',
        there ? `${many(there, 'microservice')} there` : ''),
      to: { view: 'nodes', rest: [node.name] },
    };
  };
  /** @type {(nodes: Node[], where: Label | null) => Omit<Concern, 'tone' | 'rank' | 'state'>} */
  const together = (nodes, where) => {
    const there = nodes.reduce((sum, node) => sum + (model.byNode.get(node.id)?.length ?? 0), 0);
    const all = where ? [...model.rows.nodes.values()].filter((node) => has(node, where)).length : 0;
    return {
      key: `offline ${where ? `${where.key}=${where.value}` : ''}`,
      what: where
        ? `${nodes.length === all ? `All ${all}` : `${nodes.length} of ${all}`} nodes with ${
          where.key}=${where.value} are offline`
        : `${many(nodes.length, 'node')} are offline`,
      detail: sentences(names(nodes), there ? `${many(there, 'microservice')} there` : ''),
      since: latest(nodes.map((node) => node.since)),
      to: { view: 'nodes', filters: {
        state: 'offline', ...(where ? { label: `${where.key}=${where.value}` } : {}),
      } },
      size: nodes.length,
    };
  };
  /** @type {Pick<Concern, 'tone' | 'state' | 'rank'>} */
  const kind = { tone: 'bad', state: 'offline', rank: 1 };
  if (away.length <= FEW) return away.map((node) => ({ ...alone(node), ...kind, size: 1 }));
  const { groups, rest } = byLabel(away, model.rows.nodes.values());
  return [
    ...groups.map(({ label, nodes }) => ({ ...together(nodes, label), ...kind })),
    ...(rest.length <= FEW ? rest.map((node) => ({ ...alone(node), ...kind, size: 1 }))
      : [{ ...together(rest, null), ...kind }]),
  ];
}

/** @type {Record<string, string>} why a node is offline, for people */
const OFFLINE = {
  silent: 'nothing is heard of it', stopped: 'its agent was stopped', deprovisioned: 'it was deprovisioned',
};

/** @param {readonly Node[]} nodes */
function names(nodes) {
  const sorted = nodes.map((each) => each.name).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const more = sorted.length - FEW;
  return sorted.slice(0, FEW).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** @typedef {{key: string, value: string}} Label */

/**
 * @param {Node} node
 * @param {Label} label
 */
const has = (node, label) => node.labels?.[label.key] === label.value;

/**
 * Nodes by that label whose values explain them best: where nearly all nodes of a value are among them.
 * @param {readonly Node[]} some
 * @param {Iterable<Node>} all
 * @returns {{groups: {label: Label, nodes: Node[]}[], rest: Node[]}} groups of more than FEW
 */
function byLabel(some, all) {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const node of all) {
    for (const [key, value] of Object.entries(node.labels ?? {})) add(totals, `${key}=${value}`);
  }
  let best = { score: 0, key: '' };
  for (const key of new Set(some.flatMap((node) => Object.keys(node.labels ?? {})))) {
    let score = 0;
    for (const [value, nodes] of groupsOf(some, (node) => node.labels?.[key] ?? '')) {
      const total = totals.get(`${key}=${value}`) ?? 0;
      // Of a label that each node has a value of its own for, nothing is to be learnt.
      if (value && nodes.length > FEW) score += nodes.length * (nodes.length / total);
    }
    if (score > best.score) best = { score, key };
  }
  /** @type {{label: Label, nodes: Node[]}[]} */
  const groups = [];
  /** @type {Node[]} */
  const rest = [];
  for (const [value, nodes] of groupsOf(some, (node) => node.labels?.[best.key] ?? '')) {
    if (value && nodes.length > FEW) groups.push({ label: { key: best.key, value }, nodes });
    else rest.push(...nodes);
  }
  return { groups, rest };
}
