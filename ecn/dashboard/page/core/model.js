/**
 * What the page knows: all rows at one position of the log, and telemetry. It changes by frames alone,
 * whether they come live, from the past, or as a film.
 */

/**
 * @import { ContainerUsage, EventLine, Flow, Frame, Kind, Microservice, NodeUsage, Route, Rows,
 *     Snapshot, Telemetry } from './types.js'
 */

/** How many of the last events are kept. */
const RECENT = 500;

/** @type {readonly Kind[]} */
export const KINDS = [
  'nodes', 'applications', 'microservices', 'routes', 'registries', 'catalog_items', 'templates',
  'edge_resources', 'volumes', 'network',
];

export class Model {
  constructor() {
    this.position = 0;
    /** @type {string | undefined} of the last event */
    this.time = undefined;
    this.loaded = false;
    /** Raised by each change of rows: what is derived from them may be kept as long as it stays. */
    this.version = 0;
    /** Raised by each piece of telemetry. */
    this.heard = 0;
    /** @type {{[K in Kind]: Map<string, Rows[K]>}} */
    this.rows = /** @type {any} */ (Object.fromEntries(KINDS.map((kind) => [kind, new Map()])));
    /** @type {EventLine[]} the oldest first, at most RECENT */
    this.events = [];
    /** @type {Map<string, NodeUsage>} */
    this.nodeUsage = new Map();
    /** @type {Map<string, ContainerUsage>} */
    this.containerUsage = new Map();
    /** @type {Map<string, Flow>} */
    this.flows = new Map();
    /** @type {{state: string, reason?: string}} */
    this.interiorRouter = { state: 'unknown' };
    /** @type {Map<string, {version: number, value: unknown}>} */
    this._derived = new Map();
  }

  /** @param {Snapshot} snapshot all there is: what was known before is forgotten */
  load(snapshot) {
    for (const kind of KINDS) this.rows[kind].clear();
    this.events = [];
    this.nodeUsage.clear();
    this.containerUsage.clear();
    this.flows.clear();
    this.position = -1;
    this.apply(snapshot);
    this.hear(snapshot.telemetry ?? {});
    this.loaded = true;
  }

  /**
   * Obey a frame; one that is not newer than what is known changes nothing.
   * @param {Frame} frame
   * @returns {boolean} whether it was news
   */
  apply(frame) {
    if (frame.position <= this.position) return false;
    for (const kind of KINDS) {
      /** @type {Map<string, {id: string}>} */
      const rows = this.rows[kind];
      for (const id of frame.drop?.[kind] ?? []) rows.delete(id);
      for (const row of frame.put?.[kind] ?? []) rows.set(row.id, row);
    }
    this.events.push(...(frame.events ?? []));
    if (this.events.length > RECENT) this.events.splice(0, this.events.length - RECENT);
    this.position = frame.position;
    this.time = frame.time ?? this.time;
    this.version += 1;
    return true;
  }

  /** @param {Telemetry} telemetry what is different since the last */
  hear(telemetry) {
    for (const [id, usage] of Object.entries(telemetry.nodes ?? {})) this.nodeUsage.set(id, usage);
    for (const [id, usage] of Object.entries(telemetry.microservices ?? {})) {
      this.containerUsage.set(id, usage);
    }
    for (const [id, flow] of Object.entries(telemetry.routes ?? {})) this.flows.set(id, flow);
    this.heard += 1;
    if (telemetry.interior_router) this.interiorRouter = telemetry.interior_router;
  }

  /**
   * Something that is made of rows alone, made anew only when they changed.
   * @template T
   * @param {string} name one for each use
   * @param {() => T} make
   * @returns {T}
   */
  derived(name, make) {
    const known = this._derived.get(name);
    if (known?.version === this.version) return /** @type {T} */ (known.value);
    const value = make();
    this._derived.set(name, { version: this.version, value });
    return value;
  }

  /** @returns {Map<string, Microservice[]>} by node id */
  get byNode() {
    return this.derived('byNode', () => grouped(this.rows.microservices.values(), 'node_id'));
  }

  /** @returns {Map<string, Microservice[]>} by application id */
  get byApplication() {
    return this.derived('byApplication', () =>
      grouped(this.rows.microservices.values(), 'application_id'));
  }

  /**
   * By the name that people and paths use: `<application>/<name>` of microservices and routes.
   * @template {Kind} K
   * @param {K} kind
   * @param {string} ref a name or an id
   * @returns {Rows[K] | undefined}
   */
  find(kind, ref) {
    const rows = /** @type {Map<string, Rows[K]>} */ (/** @type {unknown} */ (this.rows[kind]));
    const names = this.derived(`names of ${kind}`, () => {
      /** @type {Map<string, Rows[K]>} */
      const found = new Map();
      for (const row of rows.values()) found.set(this.nameOf(kind, row), row);
      return found;
    });
    return names.get(ref) ?? rows.get(ref);
  }

  /**
   * @param {Kind} kind
   * @param {{id: string, name: string, application_id?: string} | Rows[Kind]} row
   * @returns {string} as in paths and commands
   */
  nameOf(kind, row) {
    if (kind === 'edge_resources') return `${row.name}@${/** @type {Rows['edge_resources']} */ (row)['version']}`;
    if (kind !== 'microservices' && kind !== 'routes') return row.name;
    const { application_id } = /** @type {Microservice | Route} */ (row);
    return `${this.rows.applications.get(application_id)?.name ?? application_id}/${row.name}`;
  }
}

/**
 * @param {Iterable<Microservice>} rows
 * @param {'node_id' | 'application_id'} key
 */
function grouped(rows, key) {
  /** @type {Map<string, Microservice[]>} */
  const groups = new Map();
  for (const row of rows) {
    const group = groups.get(row[key]);
    if (group) group.push(row);
    else groups.set(row[key], [row]);
  }
  for (const group of groups.values()) group.sort((a, b) => a.name.localeCompare(b.name));
  return groups;
}
