/**
 * What happened, in words: an event's type, names and few fields as a sentence. Pure.
 *
 * A type that is not known here is told by its own name, so that a newer controller's events are shown.
 */

/** @import { EventData, EventLine } from '../core/types.js' */
/** @import { Tone } from './state.js' */

/**
 * `<who> <did> <kind> <subject> <more>`; who is '' where the subject itself did it.
 * @typedef {object} Sentence
 * @property {string} who
 * @property {string} did
 * @property {string} kind of the subject, as people call it
 * @property {string} subject its name, or its id where it has none
 * @property {string} after the verb, where the subject comes first
 * @property {string} more reason, image and the like
 * @property {Tone} tone
 */

/**
 * @typedef {Pick<EventLine, 'type' | 'subject' | 'subject_name' | 'actor_name' | 'data'>} Said
 */

/** By type without its version: what someone did to a subject. */
/** @type {Record<string, string>} */
const DID = {
  'application.created': 'created', 'application.deleted': 'deleted',
  'application.renamed': 'renamed', 'application.started': 'started',
  'application.stopped': 'stopped', 'application.updated': 'changed',
  'catalog-item.created': 'created', 'catalog-item.deleted': 'deleted',
  'catalog-item.updated': 'changed',
  'edge-resource.created': 'created', 'edge-resource.deleted': 'deleted',
  'edge-resource.linked': 'linked', 'edge-resource.unlinked': 'unlinked',
  'edge-resource.updated': 'changed',
  'microservice.created': 'created', 'microservice.deleted': 'deleted',
  'microservice.moved': 'moved', 'microservice.rebuilt': 'ordered a new container for',
  'microservice.renamed': 'renamed', 'microservice.snapshot-requested': 'asked for an image of',
  'microservice.started': 'started', 'microservice.stopped': 'stopped',
  'microservice.tracing-switched': 'switched tracing of', 'microservice.updated': 'changed',
  'network.broker-set': 'set the interior router of', 'network.router-set': 'set the default router of',
  'network.setting-changed': 'changed a setting of',
  'node.deleted': 'deleted', 'node.instructed': 'instructed',
  'node.key-issued': 'issued a provisioning key for', 'node.registered': 'registered',
  'node.renamed': 'renamed', 'node.tunnel-closed': 'closed the tunnel to',
  'node.tunnel-opened': 'opened a tunnel to', 'node.updated': 'changed',
  'registry.created': 'created', 'registry.deleted': 'deleted', 'registry.updated': 'changed',
  'route.created': 'created', 'route.deleted': 'deleted', 'route.updated': 'changed',
  'session.closed': 'ended', 'session.opened': 'opened',
  'template.created': 'created', 'template.deleted': 'deleted', 'template.updated': 'changed',
  'twin.desired-changed': 'changed the desired twin of',
  'user.created': 'created', 'user.deleted': 'deleted',
  'user.password-changed': 'set a new password of', 'user.profile-changed': 'changed the profile of',
  'user.role-changed': 'changed the role of', 'user.token-issued': 'issued a token to',
  'user.token-renewed': 'renewed a token of', 'user.token-revoked': 'revoked a token of',
  'volume.created': 'created', 'volume.deleted': 'deleted', 'volume.updated': 'changed',
};

/** What a subject did by itself. */
/** @type {Record<string, string>} */
const BY_ITSELF = {
  'node.came-online': 'came online', 'node.went-offline': 'went offline',
  'node.provisioned': 'was provisioned', 'node.facts-reported': 'reported facts of its device',
  'node.instruction-carried-out': 'answered an instruction',
  'node.changes-acknowledged': 'took in its changes',
  'node.deprovisioned': 'was deprovisioned',
  'route.dropped': 'dropped messages',
  'session.device-opened': 'was opened by the device',
  'session.device-closed': 'was ended by the device',
  'twin.reported-changed': 'reported another twin', 'twin.edit-overruled': 'kept its twin against an edit',
};

/** @type {Record<string, string>} */
const STATE_WORDS = {
  queued: 'is queued', waiting: 'waits', pulling: 'pulls its image', starting: 'starts',
  running: 'runs', 'backing-off': 'backs off', exited: 'has exited', stopped: 'has stopped',
  failed: 'has failed', unknown: 'is in an unknown state',
};

/** @type {Record<string, Tone>} */
const STATE_TONES = {
  running: 'good', 'backing-off': 'bad', failed: 'bad', unknown: 'warn', waiting: 'warn',
  pulling: 'busy', starting: 'busy', queued: 'busy',
};

/** @type {Record<string, Tone>} */
const TONES = {
  'node.came-online': 'good', 'node.went-offline': 'bad', 'route.dropped': 'warn',
  'node.provisioned': 'good', 'node.deprovisioned': 'warn', 'twin.edit-overruled': 'warn',
};

const PROBLEMS = ['engine_problem', 'volume_problem', 'storage_problem', 'local_api_problem'];

/** Types that are told here, without their versions: for who looks for one. */
export const KNOWN_TYPES = [...Object.keys(DID), ...Object.keys(BY_ITSELF), 'container.reported'].sort();

/** @param {string} type `node.registered.v1` @returns {string} `node.registered` */
export const unversioned = (type) => type.replace(/\.v\d+$/, '');

/** @param {string} kind as in subjects */
export const kindWords = (kind) => kind.replaceAll('-', ' ');

/** @param {string} actor `user/anna`, `node/edge-3`, `controller` @returns {string} for people */
export function actorWords(actor) {
  if (actor.startsWith('user/')) return actor.slice(5);
  if (actor.startsWith('node/')) return `node ${actor.slice(5)}`;
  return actor === 'controller' ? 'the controller' : actor || 'somebody';
}

/**
 * @param {Said} event
 * @param {(id: string) => string} [nodeName] of a node that it also speaks of
 * @returns {Sentence}
 */
export function sentenceOf(event, nodeName = (id) => id) {
  const type = unversioned(event.type);
  const slash = event.subject.indexOf('/');
  const bare = slash < 0 ? event.subject : event.subject.slice(0, slash);
  const id = slash < 0 ? '' : event.subject.slice(slash + 1);
  const data = event.data ?? {};
  const sentence = {
    who: '', did: '', kind: kindWords(bare), subject: event.subject_name || id || bare,
    after: '', more: moreOf(type, event, data, nodeName), tone: TONES[type] ?? 'idle',
  };
  if (type === 'container.reported') return { ...sentence, kind: 'microservice', ...statusOf(data) };
  if (type in BY_ITSELF) {
    const tone = type === 'node.facts-reported' && sentence.more ? 'warn' : sentence.tone;
    return { ...sentence, after: BY_ITSELF[type] ?? '', tone };
  }
  const who = actorWords(event.actor_name);
  const did = type.startsWith('twin.') && data.node_id ? 'changed, at the device, the desired twin of'
    : DID[type];
  return did ? { ...sentence, who, did } : { ...sentence, who, did: `${type}:` };
}

/** @param {EventData} data */
function statusOf(data) {
  const { state = '', health = 'none', reason = '', exit_code: code, repeats = 1 } = data.status ?? {};
  const healthy = health === 'none' || health === undefined ? '' : ` (${health})`;
  const more = [
    reason || (code !== null && code !== undefined && state !== 'running' ? `exit code ${code}` : ''),
    repeats > 1 ? `${repeats} times` : '',
  ];
  /** @type {Tone} */
  const tone = health === 'unhealthy' ? 'bad' : STATE_TONES[state] ?? 'idle';
  return { after: `${STATE_WORDS[state] ?? state}${healthy}`, more: more.filter(Boolean).join(', '), tone };
}

/**
 * @param {string} type
 * @param {Said} event
 * @param {EventData} data
 * @param {(id: string) => string} nodeName
 */
function moreOf(type, event, data, nodeName) {
  const words = [];
  if (data.instruction) words.push([data.instruction, data.outcome || data.version].filter(Boolean).join(' '));
  if (data.detail) words.push(data.detail);
  if (data.messages) words.push(`${data.messages} messages`);
  if (data.facts && type === 'node.facts-reported') {
    for (const name of PROBLEMS) if (data.facts[name]) words.push(String(data.facts[name]));
  }
  if (data.spec?.image && type !== 'container.reported') words.push(data.spec.image);
  if (data.node_id && event.subject !== `node/${data.node_id}`) {
    const to = type === 'microservice.moved' ? 'to ' : 'on ';
    words.push(`${/^(microservice\.(moved|created)|edge-resource\.)/.test(type) ? to : 'node '}${
      nodeName(data.node_id)}`);
  }
  if (type.endsWith('.renamed') && data.name) words.push(`now ${data.name}`);
  if (data.role) words.push(data.role);
  if (data.key) words.push(data.key);
  if (type.startsWith('session.') && data.kind) words.push(data.kind);
  if (typeof data.enabled === 'boolean') words.push(data.enabled ? 'on' : 'off');
  if (data.reason) words.push(data.reason);
  return words.join(', ');
}
