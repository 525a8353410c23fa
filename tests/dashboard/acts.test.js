/** The pure parts of acts: merge patches, places in texts, whether plans hold, what has been followed. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { offsetOf } from '../../ecn/dashboard/page/acts/manifest.js';
import { hasNull, mergePatch } from '../../ecn/dashboard/page/acts/merge-patch.js';
import { steps } from '../../ecn/dashboard/page/acts/progress.js';
import { mayBeStale, sameAs } from '../../ecn/dashboard/page/acts/staleness.js';

/** RFC 7396, as it stands there. */
function patched(target, patch) {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else Object.defineProperty(result, key, { value: patched(Object.hasOwn(result, key) ? result[key] : undefined, value), enumerable: true, configurable: true, writable: true });
  }
  return result;
}

/** The same values each time. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    // The low digits of such numbers repeat soon.
    return Math.floor(state / 65536) % below;
  };
}

function value(next, depth) {
  const kind = next(depth > 2 ? 3 : 5);
  if (kind === 0) return next(3);
  if (kind === 1) return ['', 'a', 'b'][next(3)];
  if (kind === 2) return next(2) === 0;
  if (kind === 3) return Array.from({ length: next(3) }, () => next(3));
  return object(next, depth + 1);
}

const object = (next, depth = 0) => Object.fromEntries(
  Array.from({ length: next(4) }, () => [['a', 'b', 'c', 'toString'][next(4)], value(next, depth)]));

test('a merge patch of two documents makes the one the other, and says nothing where they are the same', () => {
  for (let seed = 1; seed < 3000; seed += 1) {
    const next = random(seed);
    const before = object(next);
    const after = object(next);
    assert.deepEqual(patched(before, mergePatch(before, after)), after);
    assert.deepEqual(mergePatch(after, after), {});
  }
});

test('a key of any name is a key', () => {
  const after = JSON.parse('{"__proto__": {"a": 1}}');
  assert.equal(JSON.stringify(mergePatch({}, after)), '{"__proto__":{"a":1}}');
});

test('a null as a value is found, and those of lists are none', () => {
  assert.equal(hasNull({ a: { b: null } }), true);
  assert.equal(hasNull({ a: [null] }), false);
});

test('a place of a text is so far from its begin, and never behind its end', () => {
  assert.equal(offsetOf('ab\ncde\nf', 2, 3), 5);
  assert.equal(offsetOf('ab', 9, 9), 2);
});

const plan = (more = {}) => ({
  position: 10, nodes: [], warnings: [],
  changes: [{ about: 'microservice/shop/web', word: 'updated', events: [], problem: null }],
  totals: { created: 0, updated: 1, deleted: 0, refused: 0, containers: {} }, ...more,
});
const line = (position, subject, name) => ({
  position, subject, subject_name: name, type: 'microservice.updated.v1', time: '', actor_name: '', command_id: '', correlation_id: '',
});

test('a plan may be stale when something happened to what it is about, by id or by name, and behind it', () => {
  const happened = line(11, 'microservice/1', 'shop/web');
  assert.match(mayBeStale([happened], plan(), []), /shop\/web/);
  assert.match(mayBeStale([line(11, 'node/2', 'east')], plan(), ['node/2']), /east/);
  assert.equal(mayBeStale([line(10, 'microservice/1', 'shop/web')], plan(), []), '');
  assert.equal(mayBeStale([line(11, 'microservice/3', 'shop/other')], plan(), ['node/2']), '');
  assert.equal(mayBeStale([line(11, 'node/9', 'shop/web')], plan(), []), '');
});

test('plans that say the same are the same at any position', () => {
  assert.equal(sameAs(plan(), plan({ position: 99 })), true);
  assert.equal(sameAs(plan(), plan({ changes: [] })), false);
});

const model = (row, node = 'online') => ({
  find: (kind, ref) => (kind === 'nodes' ? { name: ref, state: node } : row),
});
const action = (word) => plan({ nodes: [{ name: 'east', state: 'online', actions: [{ microservice: 'shop/web', action: word, says: '', because: [] }] }] });
const how = (word, row, node) => steps(model(row, node), action(word)).map((each) => each.how);

test('a container has followed when its device says so of what is wanted now', () => {
  assert.deepEqual(how('create', { state: 'running', current: false }), ['waits']);
  assert.deepEqual(how('create', { state: 'running', current: true }), ['done']);
  assert.deepEqual(how('create', { state: 'running', current: true, health: 'starting' }), ['waits']);
  assert.deepEqual(how('create', { state: 'backing-off', current: true }), ['trouble']);
  assert.deepEqual(how('create', undefined), ['waits']);
  assert.deepEqual(how('stop', { state: 'running', current: true }), ['waits']);
  assert.deepEqual(how('stop', { state: 'stopped', current: true }), ['done']);
  assert.deepEqual(how('configure', { state: 'exited', current: true }), ['done']);
  assert.deepEqual(how('remove', undefined), ['told']);
  assert.deepEqual(how('nothing', undefined), []);
  assert.match(steps(model({ state: 'running' }, 'offline'), action('stop'))[0].says, /when it is back/);
});
