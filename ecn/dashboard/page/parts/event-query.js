/** What a timeline asks for and how its events are laid out: filters, groups, days. Pure. */

/** @import { EventLine } from '../core/types.js' */

/**
 * An event as the list has it: in brief from the live stream, or whole from the API.
 * @typedef {EventLine & {actor?: string, causation_id?: string, hash?: string}} ListedEvent
 */

/** What the URL may say, by the API's own names. */
const FILTERS = /** @type {const} */ ([
  'subject', 'type', 'actor', 'text', 'changes', 'since', 'until', 'correlation_id', 'command_id',
]);

/** Kinds that events are about. */
export const SUBJECTS = [
  'node', 'application', 'microservice', 'route', 'registry', 'catalog-item', 'template', 'edge-resource',
  'volume', 'network', 'user', 'session',
];

/**
 * The filters that a URL names.
 * @param {URLSearchParams} query
 * @returns {Record<string, string>} by name, none of them empty
 */
export function filtersOf(query) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value) found[name] = value;
  }
  return found;
}

/**
 * The question for a page of events.
 * @param {Record<string, string>} filters
 * @param {Record<string, string | number>} more where the page begins, its order, the moment
 */
export const pathOf = (filters, more) => `/events?${new URLSearchParams({
  ...filters, ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, String(value)])),
})}`;

/**
 * Whoever is meant: `anna` is a user; `node/edge-1` and `controller` are what they say.
 * @param {string} typed
 */
export function actorOf(typed) {
  const word = typed.trim();
  return !word || word.includes('/') || word === 'controller' ? word : `user/${word}`;
}

/**
 * A subject as filters name it, of what was chosen and typed: `shop/web` alone is a microservice.
 * @param {string} kind '' for any
 * @param {string} typed a name or an id; '' for all of the kind
 */
export function subjectOf(kind, typed) {
  const name = typed.trim();
  if (!name) return kind;
  if (kind) return `${kind}/${name}`;
  if (SUBJECTS.includes(name.split('/', 1)[0] ?? '')) return name;
  return `${name.includes('/') ? 'microservice' : 'node'}/${name}`;
}

/**
 * @param {string} subject as `subjectOf` gives it
 * @returns {{kind: string, name: string}}
 */
export function subjectParts(subject) {
  const slash = subject.indexOf('/');
  return slash < 0 ? { kind: subject, name: '' } : { kind: subject.slice(0, slash), name: subject.slice(slash + 1) };
}

/** @param {string} local of an `<input type=datetime-local>`, in the viewer's zone @returns {string} RFC 3339 */
export function instantOf(local) {
  const time = new Date(local);
  return local && !Number.isNaN(time.getTime()) ? time.toISOString() : '';
}

/** @param {string} instant @returns {string} for an `<input type=datetime-local>` */
export function localOf(instant) {
  const time = new Date(instant);
  if (Number.isNaN(time.getTime())) return '';
  return new Date(time.getTime() - time.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

/**
 * Events that one command led to stand together in the log: such neighbours are one group, also where
 * filters let through only some of them.
 * @template {ListedEvent} E
 * @param {readonly E[]} events the newest first
 * @returns {{key: string, head: E, rest: E[], newest: E}[]} `head` is the first that happened, `rest` what
 *     followed from it, in its order
 */
export function grouped(events) {
  /** @type {{key: string, head: E, rest: E[], newest: E}[]} */
  const groups = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last && event.command_id && last.head.command_id === event.command_id) {
      last.rest.unshift(last.head);
      last.head = event;
    } else {
      // Named by its newest, which stays while older ones are loaded.
      groups.push({ key: String(event.position), head: event, rest: [], newest: event });
    }
  }
  return groups;
}

/**
 * Split by the viewer's days.
 * @template {{head: ListedEvent}} G
 * @param {readonly G[]} groups the newest first
 * @returns {{day: string, groups: G[]}[]} day: as `Date.toDateString` writes it
 */
export function byDay(groups) {
  /** @type {{day: string, groups: G[]}[]} */
  const days = [];
  for (const group of groups) {
    const day = new Date(group.head.time).toDateString();
    const last = days.at(-1);
    if (last?.day === day) last.groups.push(group);
    else days.push({ day, groups: [group] });
  }
  return days;
}

/**
 * How a known list goes on, when the live stream says more.
 * @param {readonly ListedEvent[]} stream the oldest first, without holes
 * @param {number} known up to where everything is in the list
 * @param {number} position up to where the stream has come
 * @returns {ListedEvent[] | null} the new ones, the newest first; null: the stream does not reach back so far
 */
export function news(stream, known, position) {
  if (position <= known) return [];
  const first = stream[0]?.position;
  if (first === undefined || first > known + 1) return null;
  return stream.filter((each) => each.position > known).reverse();
}
