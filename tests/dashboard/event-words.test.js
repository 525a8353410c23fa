/** Events as sentences. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { actorWords, sentenceOf, unversioned } from '../../ecn/dashboard/page/parts/event-words.js';

const said = (type, data = {}, more = {}) => {
  const s = sentenceOf({
    type: `${type}.v1`, subject: 'microservice/m1', subject_name: 'shop/web', actor_name: 'user/anna', data, ...more,
  }, (id) => ({ n2: 'edge-2' })[id] ?? id);
  const before = s.who ? `${s.who} ${s.did} ` : '';
  return `${before}${s.kind} ${s.subject}${s.after ? ` ${s.after}` : ''}${s.more ? `: ${s.more}` : ''}`;
};

test('people did something to something', () => {
  assert.equal(said('microservice.stopped'), 'anna stopped microservice shop/web');
  assert.equal(said('microservice.moved', { node_id: 'n2' }), 'anna moved microservice shop/web: to edge-2');
  assert.equal(said('microservice.updated', { spec: { image: 'a:2' } }), 'anna changed microservice shop/web: a:2');
  assert.equal(said('microservice.renamed', { name: 'www' }), 'anna renamed microservice shop/web: now www');
});

test('things did something by themselves', () => {
  const node = { subject: 'node/n1', subject_name: 'edge-3', actor_name: 'controller' };
  assert.equal(said('node.went-offline', { reason: 'silent' }, node), 'node edge-3 went offline: silent');
  assert.equal(said('node.came-online', {}, node), 'node edge-3 came online');
  const failed = { status: { state: 'backing-off', reason: 'exit code 1' } };
  assert.equal(said('container.reported', failed), 'microservice shop/web backs off: exit code 1');
  assert.equal(said('container.reported', { status: { state: 'running', health: 'unhealthy' } }),
    'microservice shop/web runs (unhealthy)');
});

test('a type that nobody knows is told by its name', () => {
  assert.equal(said('moon.landed'), 'anna moon.landed: microservice shop/web');
  assert.equal(said('moon.landed', {}, { subject: 'moon', subject_name: '' }), 'anna moon.landed: moon moon');
  assert.equal(unversioned('a.b.v12'), 'a.b');
});

test('what came without data, or with data of another shape, is told as far as it goes', () => {
  for (const data of [undefined, {}, { status: {} }, { reason: '', node_id: '' }]) {
    assert.doesNotThrow(() => said('container.reported', data));
    assert.equal(said('microservice.moved', data), 'anna moved microservice shop/web');
  }
});

test('actors are called as people call them', () => {
  assert.equal(actorWords('user/anna'), 'anna');
  assert.equal(actorWords('node/edge-1'), 'node edge-1');
  assert.equal(actorWords('controller'), 'the controller');
  assert.equal(actorWords(''), 'somebody');
});
