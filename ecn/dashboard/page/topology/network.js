/**
 * What is drawn, as facts about nodes, microservices and routes: kept up to date by the rows that
 * changed, so that one event costs one node. No drawing here; asked by all of the drawing.
 */

import { toneOf } from '../parts/tone.js';
import { byName, groupOf } from './grouping.js';

/** @import { Application, Microservice, Node, Route } from '../core/types.js' */
/** @import { Tone } from '../parts/tone.js' */

/**
 * What is asked of the model.
 * @typedef {object} Known
 * @property {{nodes: Map<string, Node>, microservices: Map<string, Microservice>,
 *     applications: Map<string, Application>, routes: Map<string, Route>}} rows
 */

/**
 * @typedef {object} Part a microservice
 * @property {string} id
 * @property {string} name `<application>/<name>`
 * @property {Microservice} row
 * @property {Tone} tone
 * @property {string} text small letters, to be searched
 */

/**
 * @typedef {object} Place a node
 * @property {string} id
 * @property {Node} row
 * @property {Part[]} parts by name
 * @property {Tone} tone the worst of it and of what runs there
 * @property {number} failing how many of its microservices are bad
 * @property {string} group
 * @property {string} text small letters, to be searched
 */

/** @typedef {{node: string, part: string | null}} End of a wire; node '' is upstream */
/** @typedef {{from: End, to: End}} Wire */
/** @typedef {{id: string, name: string, row: Route, wires: Wire[]}} Path a route */

/** From everybody: no more wires than that are drawn of one route. */
const WIRES = 400;

/** @type {Record<Tone, number>} */
const WEIGHT = { bad: 4, warn: 3, busy: 2, good: 1, idle: 0 };

export class Network {
  constructor() {
    /** @type {Map<string, Place>} by node id */
    this.places = new Map();
    /** @type {Map<string, Part>} by microservice id */
    this.parts = new Map();
    /** @type {Map<string, Path>} by route id */
    this.paths = new Map();
    /** @type {Map<string, string[]>} route ids by node id; '' for upstream */
    this.pathsAt = new Map();
    this._grouping = '';
    /** @type {Map<string, string>} of applications, by id */
    this._names = new Map();
    /** Whether a wire may lead elsewhere now. */
    this._wiring = false;
    /** @type {Map<string, Map<string, unknown>>} the rows as they were, by kind and id */
    this._was = new Map();
  }

  /**
   * @param {Known} model
   * @param {string} grouping as in the URL
   * @returns {{moved: boolean, news: Set<string>}} moved: nodes came, went or are in another group,
   *     or need other room; news: ids of nodes, microservices and routes that are different
   */
  update({ rows }, grouping) {
    /** @type {Set<string>} */
    const news = new Set();
    /** @type {Set<string>} */
    const touched = new Set();
    const applications = this._renamed(rows.applications);
    for (const id of this._different('m', rows.microservices)) {
      const before = this.parts.get(id);
      const after = rows.microservices.get(id);
      for (const each of [before?.row, after]) if (each) touched.add(each.node_id);
      if (before?.row.node_id !== after?.node_id) this._wiring = true;
      if (!after) this.parts.delete(id);
      news.add(id);
    }
    for (const id of this._different('n', rows.nodes)) {
      touched.add(id);
      news.add(id);
    }
    const routes = this._different('r', rows.routes);
    for (const id of routes) news.add(id);
    const all = grouping !== this._grouping || applications;
    this._grouping = grouping;
    let moved = false;
    if (all || touched.size) {
      const byNode = this._byNode(rows.microservices, all ? null : touched);
      for (const id of all ? new Set([...rows.nodes.keys(), ...touched]) : touched) {
        moved = this._place(id, rows, byNode.get(id) ?? []) || moved;
      }
    }
    if (routes.size || applications || this._wiring) this._wire(rows);
    this._wiring = false;
    return { moved, news };
  }

  /**
   * Whether an application that was known has another name now.
   * @param {Map<string, Application>} rows
   */
  _renamed(rows) {
    const before = this._names;
    this._names = new Map([...rows].map(([id, row]) => [id, row.name]));
    return [...before].some(([id, name]) => (this._names.get(id) ?? name) !== name);
  }

  /**
   * Ids of rows that came, went or are other objects than at the last time.
   * @param {string} kind
   * @param {Map<string, unknown>} rows
   * @returns {Set<string>}
   */
  _different(kind, rows) {
    const was = this._was.get(kind) ?? new Map();
    /** @type {Set<string>} */
    const different = new Set();
    for (const [id, row] of rows) if (was.get(id) !== row && !same(was.get(id), row)) different.add(id);
    for (const id of was.keys()) if (!rows.has(id)) different.add(id);
    this._was.set(kind, new Map(rows));
    return different;
  }

  /**
   * @param {Map<string, Microservice>} rows
   * @param {Set<string> | null} nodes those alone; null: all
   */
  _byNode(rows, nodes) {
    /** @type {Map<string, Microservice[]>} */
    const found = new Map();
    for (const row of rows.values()) {
      if (nodes && !nodes.has(row.node_id)) continue;
      const known = found.get(row.node_id);
      if (known) known.push(row);
      else found.set(row.node_id, [row]);
    }
    return found;
  }

  /**
   * @param {string} id
   * @param {Known['rows']} rows
   * @param {Microservice[]} microservices
   * @returns {boolean} whether what stands around it may have to move
   */
  _place(id, rows, microservices) {
    const before = this.places.get(id);
    const row = rows.nodes.get(id);
    if (!row) return this.places.delete(id);
    /** @type {Map<string, number>} */
    const applications = new Map();
    const parts = microservices.map((each) => {
      const application = rows.applications.get(each.application_id)?.name ?? each.application_id;
      applications.set(application, (applications.get(application) ?? 0) + 1);
      const part = partOf(each, application);
      this.parts.set(each.id, part);
      return part;
    });
    parts.sort((a, b) => byName(a.name, b.name));
    const main = [...applications].sort((a, b) => b[1] - a[1] || byName(a[0], b[0]))[0]?.[0] ?? '';
    const failing = parts.filter((each) => each.tone === 'bad').length;
    const group = groupOf(this._grouping, row, main);
    this.places.set(id, {
      id, row, parts, failing, group, tone: worst(row, parts), text: textOf(row),
    });
    return before?.group !== group || before.parts.length !== parts.length ||
      before.row.name !== row.name;
  }

  /** @param {Known['rows']} rows */
  _wire(rows) {
    /** @type {Map<string, Microservice[]>} */
    const members = new Map();
    for (const row of rows.microservices.values()) {
      const known = members.get(row.application_id);
      if (known) known.push(row);
      else members.set(row.application_id, [row]);
    }
    this.paths.clear();
    this.pathsAt.clear();
    for (const row of rows.routes.values()) {
      const name = `${rows.applications.get(row.application_id)?.name ?? row.application_id}/${row.name}`;
      const wires = wiresOf(row, rows.microservices, members.get(row.application_id) ?? []);
      this.paths.set(row.id, { id: row.id, name, row, wires });
      for (const node of new Set(wires.flatMap((each) => [each.from.node, each.to.node]))) {
        const known = this.pathsAt.get(node);
        if (known) known.push(row.id);
        else this.pathsAt.set(node, [row.id]);
      }
    }
  }
}

/**
 * How bad it is there: the node's own state, and the worst of what it runs. What was stopped on
 * purpose is no matter.
 * @param {Node} row
 * @param {readonly Part[]} parts
 * @returns {Tone}
 */
function worst(row, parts) {
  /** @type {Tone} */
  let tone = toneOf(row.state);
  const all = parts.map((each) => each.tone);
  if (row.problems?.length) all.push('warn');
  for (const each of all) if (WEIGHT[each] > WEIGHT[tone] && WEIGHT[each] > 1) tone = each;
  return tone;
}

/**
 * @param {Microservice} row
 * @param {string} application
 * @returns {Part}
 */
function partOf(row, application) {
  const name = `${application}/${row.name}`;
  const tone = row.health === 'unhealthy' ? 'bad' : toneOf(row.state);
  return { id: row.id, name, row, tone, text: `${name} ${row.image ?? ''} ${row.state}`.toLowerCase() };
}

/** @param {Node} row */
function textOf(row) {
  const labels = Object.entries(row.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [row.name, row.state, row.location ?? '', row.architecture ?? '', ...labels, ...row.tags ?? []]
    .join(' ').toLowerCase();
}

/**
 * From where to where: one wire, or one from each node that has a part of the application.
 * @param {Route} row
 * @param {Map<string, Microservice>} microservices
 * @param {readonly Microservice[]} members of its application
 * @returns {Wire[]}
 */
function wiresOf(row, microservices, members) {
  const end = (/** @type {string} */ id) => {
    const found = microservices.get(id);
    return found ? { node: found.node_id, part: found.id } : null;
  };
  const to = row.destination_id ? end(row.destination_id) : { node: '', part: null };
  if (!to) return [];
  if (row.source_id) {
    const from = end(row.source_id);
    return from ? [{ from, to }] : [];
  }
  const nodes = new Set(members.filter((each) => each.id !== to.part).map((each) => each.node_id));
  return [...nodes].slice(0, WIRES).map((node) => ({ from: { node, part: null }, to }));
}

/**
 * Whether a row that was read anew says the same (a snapshot brings all rows again).
 * @param {unknown} a
 * @param {unknown} b
 */
function same(a, b) {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
