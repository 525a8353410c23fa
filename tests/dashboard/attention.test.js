/** What needs attention: nothing ill is left out, nothing well is told, many are told as few. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { attention } from '../../ecn/dashboard/page/core/attention.js';
import { conditionOf, FAILING } from '../../ecn/dashboard/page/core/condition.js';
import { KINDS, Model } from '../../ecn/dashboard/page/core/model.js';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const EARLIER = '2026-05-01T11:00:00Z';

/**
 * @param {string} name
 * @param {object} [more]
 */
const node = (name, more = {}) => ({
  id: `id-${name}`, name, state: 'online', since: EARLIER, created_at: EARLIER, updated_at: EARLIER, ...more,
});

/**
 * @param {string} name
 * @param {object} [more]
 */
const microservice = (name, more = {}) => ({
  id: `id-${name}`, name, application_id: 'shop', node_id: 'id-a', state: 'running', health: 'healthy',
  at: EARLIER, current: true, revision: 1, created_at: EARLIER, updated_at: EARLIER, ...more,
});

/**
 * @param {object} put
 * @param {object} [telemetry]
 * @returns {Model}
 */
function model(put, telemetry = {}) {
  const made = new Model();
  made.load(/** @type {any} */ ({
    position: 5, telemetry,
    put: {
      applications: [{ id: 'shop', name: 'shop', state: 'running', created_at: EARLIER, updated_at: EARLIER }],
      ...put,
    },
  }));
  return made;
}

/** @param {Model} of */
const told = (of) => attention(of, NOW).map((each) => each.what);

test('where all is well, nothing is told', () => {
  assert.deepEqual(told(model({ nodes: [node('a')], microservices: [microservice('web')] })), []);
});

test('an empty network needs no attention', () => {
  const empty = new Model();
  assert.ok(KINDS.every((kind) => empty.rows[kind].size === 0));
  assert.deepEqual(attention(empty, NOW), []);
});

test('an offline node is told with its microservices, which are not told again', () => {
  const concerns = attention(model({
    nodes: [node('a', { state: 'offline', offline_reason: 'silent' })],
    microservices: [microservice('web', { state: 'failed', reason: 'no such image' }), microservice('db')],
  }), NOW);
  assert.deepEqual(concerns.map((each) => each.what), ['a is offline']);
  assert.equal(concerns[0]?.detail, 'nothing is heard of it; 2 microservices there');
  assert.equal(concerns[0]?.since, EARLIER);
});

test('many offline nodes are told by the label that explains them', () => {
  const nodes = Array.from({ length: 60 }, (_, index) => node(`n${index}`, {
    labels: { zone: index < 20 ? 'berlin' : 'lyon', rack: String(index % 3), serial: String(index) },
    state: index < 18 || index === 40 ? 'offline' : 'online',
  }));
  const concerns = attention(model({ nodes }), NOW);
  assert.deepEqual(concerns.map((each) => each.what), ['18 of 20 nodes with zone=berlin are offline', 'n40 is offline']);
  assert.deepEqual(concerns[0]?.to, { view: 'nodes', filters: { state: 'offline', label: 'zone=berlin' } });
});

test('many offline nodes without labels are told together', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((name) => node(name, { state: 'offline' }));
  assert.deepEqual(told(model({ nodes })), ['5 nodes are offline']);
});

test('a failed microservice stands before one that is tried again, that before an unhealthy one', () => {
  assert.deepEqual(told(model({ nodes: [node('a')], microservices: [
    microservice('one', { health: 'unhealthy' }),
    microservice('two', { state: 'backing-off', reason: 'exited with code 1' }),
    microservice('three', { state: 'failed' }),
  ] })), ['shop/three failed', 'shop/two ended, and is tried again', 'shop/one runs and is unhealthy']);
});

test('many that fail in an application are one line, with what most of them say', () => {
  const microservices = Array.from({ length: 9 }, (_, index) => microservice(`m${index}`, {
    state: 'backing-off', reason: `exited with code ${index ? 1 : 2}; it is started again at 12:0${index} (40 s)` }));
  const [concern, ...others] = attention(model({ nodes: [node('a')], microservices }), NOW);
  assert.equal(others.length, 0);
  assert.equal(concern?.what, '9 microservices of shop ended, and are tried again');
  assert.equal(concern?.detail, 'mostly: exited with code 1');
  assert.deepEqual(concern?.to?.filters, { state: 'backing-off', application: 'shop' });
});

test('what is stopped on purpose is not ill', () => {
  assert.deepEqual(told(model({ nodes: [node('a')], microservices: [
    microservice('off', { started: false, state: 'unknown' }), microservice('gone', { state: 'stopped', started: false }),
  ] })), []);
});

test('the interior router and the own link come before all others', () => {
  const of = model({ nodes: [node('a', { state: 'offline' })] }, { interior_router: { state: 'down' } });
  const link = { state: 'away', since: EARLIER };
  assert.deepEqual(attention(of, NOW, link).map((each) => each.state), ['away', 'down', 'offline']);
});

test('a route that refuses is told, one that waits only where messages are stored', () => {
  const route = (/** @type {string} */ name) => ({ id: name, name, application_id: 'shop', created_at: EARLIER, updated_at: EARLIER });
  assert.deepEqual(told(model({ routes: [route('r'), route('w'), route('idle'), route('up')] }, { routes: {
    r: { state: 'refusing', reason: 'the store is full' }, w: { state: 'waiting', stored: 3 },
    idle: { state: 'waiting' }, up: { state: 'up' },
  } })), ['Route shop/r refuses messages', 'Route shop/w waits']);
});

test('what its node did not take up for long is told, but not at once, and not where no node could', () => {
  const late = { state: 'queued', updated_at: '2026-05-01T11:50:00Z' };
  const of = model({
    nodes: [node('a'), node('r', { state: 'registered' })],
    microservices: [microservice('old', late), microservice('new', { ...late, updated_at: '2026-05-01T11:59:00Z' }),
      microservice('nowhere', { ...late, node_id: 'id-r' })],
  });
  assert.deepEqual(told(of), ['shop/old was not taken up by its node']);
});

test('a problem that many devices have is told once', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((name) => node(name, { problems: ['the disk is full'] }));
  const [concern, ...others] = attention(model({ nodes: [...nodes, node('f', { problems: ['no engine'] })] }), NOW);
  assert.equal(concern?.what, '5 devices have the same problem');
  assert.deepEqual(others.map((each) => each.what), ['The device of f has a problem']);
});

test('whatever the network is like: each ill thing is counted once, worst first, in few lines', () => {
  let state = 11;
  const next = (/** @type {number} */ below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 65536) % below;
  };
  const states = ['running', 'running', 'running', 'exited', 'stopped', 'pulling', ...FAILING.filter((each) => each !== 'unhealthy')];
  for (let round = 0; round < 200; round += 1) {
    const nodes = Array.from({ length: next(40) }, (_, index) => node(`n${index}`, {
      state: ['online', 'online', 'offline', 'registered'][next(4)], labels: { zone: `z${next(3)}` } }));
    const microservices = nodes.flatMap((each) => Array.from({ length: next(4) }, (_, index) =>
      microservice(`${each.name}-${index}`, { node_id: each.id, state: states[next(states.length)],
        health: ['healthy', 'none', 'unhealthy'][next(3)] })));
    const of = model({ nodes, microservices });
    const concerns = attention(of, NOW);
    const total = (/** @type {(state: string) => boolean} */ which) => concerns
      .filter((each) => which(each.state)).reduce((sum, each) => sum + each.size, 0);
    assert.equal(total((each) => each === 'offline'), nodes.filter((each) => each.state === 'offline').length);
    const ill = microservices.filter((each) => FAILING.includes(
      conditionOf(/** @type {any} */ (each), of.rows.nodes.get(each.node_id)))).length;
    assert.equal(total((each) => FAILING.includes(each)), ill);
    assert.deepEqual(concerns.map((each) => each.rank), concerns.map((each) => each.rank).sort((a, b) => a - b));
    assert.equal(new Set(concerns.map((each) => each.key)).size, concerns.length);
    assert.ok(concerns.length <= 30, 'few lines');
  }
});
