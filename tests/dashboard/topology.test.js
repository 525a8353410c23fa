/** The drawing's pure parts: places, groups, cameras, what stands out, what is at a point. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { fitted, panned, placeAt, seen, showing, zoomed } from '../../ecn/dashboard/page/topology/camera.js';
import { emphasis, isBright } from '../../ecn/dashboard/page/topology/emphasis.js';
import { chosenGrouping, groupings, inOrder } from '../../ecn/dashboard/page/topology/grouping.js';
import { stepped } from '../../ecn/dashboard/page/topology/keys.js';
import { layout, roomFor } from '../../ecn/dashboard/page/topology/layout.js';
import { Network } from '../../ecn/dashboard/page/topology/network.js';
import { bundled, separate, sideways } from '../../ecn/dashboard/page/topology/wires.js';

const THEN = '2026-11-20T08:00:00Z';

/** Numbers that look thrown, the same in each run. */
function dice(seed) {
  let state = seed;
  return (sides) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * sides);
  };
}

function nodesOf(roll, many, groups) {
  return Array.from({ length: many }, (_, n) => ({
    id: `n${n}`, name: `edge-${n}`, group: `g${roll(groups)}`, chips: 1 + roll(6),
    created_at: `2026-11-20T08:${String(n % 60).padStart(2, '0')}:00Z`,
  }));
}

function laid(nodes, aspect = 1.6) {
  const groups = [...new Set(nodes.map((each) => each.group))].sort();
  return layout(nodes, { groups, title: (key) => key, plain: groups.length < 2, aspect });
}

const overlap = (a, b) => a.x < b.x + b.w - 1e-6 && b.x < a.x + a.w - 1e-6 &&
  a.y < b.y + b.h - 1e-6 && b.y < a.y + a.h - 1e-6;
const inside = (a, b) => a.x >= b.x - 1e-6 && a.y >= b.y - 1e-6 &&
  a.x + a.w <= b.x + b.w + 1e-6 && a.y + a.h <= b.y + b.h + 1e-6;

test('whatever the network, nothing lies on anything else, and all is inside the bounds', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const drawn = laid(nodesOf(roll, roll(200), 1 + roll(14)), [0.6, 1.1, 1.75][seed % 3]);
    const places = [...drawn.nodes.values()];
    places.forEach((a, i) => places.slice(i + 1).forEach((b) => assert(!overlap(a, b), `seed ${seed}`)));
    const tops = [...drawn.groups, ...Object.values(drawn.centre)];
    tops.forEach((a, i) => tops.slice(i + 1).forEach((b) => assert(!overlap(a, b), `seed ${seed}`)));
    for (const each of tops) assert(inside(each, drawn.bounds), `seed ${seed}`);
    for (const group of drawn.groups) {
      for (const id of group.nodes) assert(inside(drawn.nodes.get(id), group), `seed ${seed}`);
    }
  }
});

test('the same network has the same places, in whatever order it is told', () => {
  const nodes = nodesOf(dice(7), 300, 9);
  assert.deepEqual(laid(nodes), laid(nodes));
  const [a, b] = [laid(nodes), laid([...nodes].reverse())];
  for (const [id, box] of a.nodes) assert.deepEqual(b.nodes.get(id), box);
});

test('a new node takes a free place, and moves none of the others, but when its group needs more room', () => {
  let kept = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const nodes = nodesOf(dice(seed), 80 + seed, 4);
    const before = laid(nodes);
    const group = before.groups[0].key;
    const full = roomFor(before.groups[0].nodes.length + 1) > roomFor(before.groups[0].nodes.length);
    const after = laid([...nodes, { id: 'new', name: 'new', group, chips: 2, created_at: '2027-01-01T00:00:00Z' }]);
    if (full || after.large !== before.large) continue;
    kept += 1;
    for (const [id, box] of before.nodes) assert.deepEqual(after.nodes.get(id), box);
  }
  assert(kept > 20, 'groups have room most of the time');
});

test('a card has room for as many microservices as are usual, within bounds', () => {
  const one = (chips) => laid([{ id: 'a', name: 'a', group: 'g', chips, created_at: THEN }]).rows;
  assert.deepEqual([0, 1, 3, 6, 50].map(one), [2, 2, 3, 6, 6]);
});

test('few nodes stand together; of many, the label that says where they are is taken', () => {
  const node = (n, labels) => ({ id: `${n}`, name: `${n}`, state: 'online', labels });
  const some = (many) => Array.from({ length: many }, (_, n) =>
    node(n, { zone: `z${n % 4}`, serial: `${n}`, make: 'all the same' }));
  assert.equal(chosenGrouping(null, some(10)), 'none');
  assert.equal(chosenGrouping(null, some(100)), 'label:zone');
  assert.equal(chosenGrouping('state', some(100)), 'state');
  assert.equal(chosenGrouping('label:gone', some(100)), 'label:zone');
  assert.equal(chosenGrouping(null, Array.from({ length: 100 }, (_, n) => node(n, {}))), 'application');
  assert(groupings(some(3)).some((each) => each.value === 'label:serial'));
});

test('groups are in the order that people expect, what lacks a group last, what is bad first', () => {
  assert.deepEqual(inOrder('label:zone', ['z10', '', 'z9']), ['z9', 'z10', '']);
  assert.deepEqual(inOrder('state', ['online', 'registered', 'offline']), ['offline', 'registered', 'online']);
});

test('the place under the pointer stays there while one zooms', () => {
  const point = { x: 321, y: 123 };
  let camera = { x: 10, y: -40, scale: 0.3 };
  const place = placeAt(camera, point);
  for (const factor of [1.2, 0.7, 3, 0.1]) {
    camera = zoomed(camera, factor, point);
    assert(Math.abs(placeAt(camera, point).x - place.x) < 1e-6);
    assert(Math.abs(placeAt(camera, point).y - place.y) < 1e-6);
  }
});

test('all of it fits, and whatever one does, something of it stays in sight', () => {
  const size = { w: 1000, h: 600 };
  const bounds = { x: -50, y: 0, w: 9000, h: 3000 };
  const camera = fitted(bounds, size, 20);
  assert(inside(bounds, seen(camera, size)));
  for (const [dx, dy] of [[1e6, 0], [-1e6, 1e6], [0, -1e6]]) {
    assert(overlap(seen(panned(camera, dx, dy, bounds, size), size), bounds));
  }
});

test('what is to be shown is in sight and near enough, beside what covers the drawing', () => {
  const size = { w: 1000, h: 600 };
  const box = { x: 5000, y: 4000, w: 240, h: 180 };
  for (const camera of [{ x: 0, y: 0, scale: 0.05 }, { x: 0, y: 0, scale: 1 }, { x: 4900, y: 3900, scale: 0.6 }]) {
    const to = showing(camera, box, size, 40, 0.45, { w: 340, h: 0 });
    assert(to.scale >= 0.45);
    assert(inside(box, seen(to, { w: 660, h: 600 })));
  }
});

/** A small model: two nodes with two parts each, of two applications. */
function model() {
  const part = (id, node, state = 'running') => [id, {
    id, name: id, application_id: id < 'c' ? 'a1' : 'a2', node_id: node, state, at: THEN, revision: 1,
    created_at: THEN, updated_at: THEN,
  }];
  const node = (id, state = 'online') => [id, {
    id, name: `edge-${id}`, state, since: THEN, created_at: THEN, updated_at: THEN, labels: { zone: `z${id}` },
  }];
  const route = (id, source_id, destination_id) => [id, {
    id, name: id, application_id: 'a1', source_id, destination_id, created_at: THEN, updated_at: THEN,
  }];
  return {
    rows: {
      nodes: new Map([node('1'), node('2'), node('3', 'offline')]),
      applications: new Map([['a1', { id: 'a1', name: 'shop' }], ['a2', { id: 'a2', name: 'lab' }]]),
      microservices: new Map([part('a', '1'), part('b', '2'), part('c', '2', 'failed')]),
      routes: new Map([route('ab', 'a', 'b'), route('up', 'a', undefined), route('all', undefined, 'b')]),
    },
  };
}

function known(grouping = 'none') {
  const network = new Network();
  const all = model();
  network.update(all, grouping);
  return { network, all };
}

const NOTHING = { q: '', application: '', state: '' };

test('what fails on a node shows on the node', () => {
  const { network } = known();
  assert.equal(network.places.get('1').tone, 'good');
  assert.equal(network.places.get('2').tone, 'bad');
  assert.equal(network.places.get('2').failing, 1);
  assert.equal(network.places.get('3').tone, 'bad');
});

test('one event costs one node: the others are the same objects as before', () => {
  const { network, all } = known();
  const before = new Map(network.places);
  all.rows.microservices.set('a', { ...all.rows.microservices.get('a'), state: 'failed' });
  const { moved, news } = network.update(all, 'none');
  assert.equal(moved, false);
  assert.deepEqual([...news], ['a']);
  assert.equal(network.places.get('1').tone, 'bad');
  assert.equal(network.places.get('2'), before.get('2'));
  assert.deepEqual([...network.update(all, 'none').news], []);
});

test('a snapshot that says the same again is no news', () => {
  const { network } = known();
  const { moved, news } = network.update(model(), 'none');
  assert.deepEqual([moved, news.size], [false, 0]);
});

test('a microservice that moves takes its wires along', () => {
  const { network, all } = known();
  all.rows.microservices.set('a', { ...all.rows.microservices.get('a'), node_id: '3' });
  assert.equal(network.update(all, 'none').moved, true);
  assert.deepEqual(network.paths.get('ab').wires[0].from, { node: '3', part: 'a' });
  assert.deepEqual(network.places.get('1').parts, []);
});

test('an application with another name has it everywhere', () => {
  const { network, all } = known();
  all.rows.applications.set('a1', { id: 'a1', name: 'store' });
  network.update(all, 'none');
  assert.equal(network.parts.get('a').name, 'store/a');
  assert.equal(network.paths.get('ab').name, 'store/ab');
});

test('a node that is gone is gone with all it had', () => {
  const { network, all } = known();
  all.rows.nodes.delete('2');
  all.rows.microservices.delete('b');
  all.rows.microservices.delete('c');
  assert.equal(network.update(all, 'none').moved, true);
  assert.equal(network.places.has('2'), false);
  assert.equal(network.parts.has('b'), false);
  assert.deepEqual(network.paths.get('ab').wires, []);
});

test('updated step by step, it is as if it were made anew', () => {
  const roll = dice(3);
  const all = model();
  const network = new Network();
  for (let step = 0; step < 200; step += 1) {
    const id = 'abc'[roll(3)];
    const { microservices, nodes } = all.rows;
    if (roll(4) === 0) microservices.delete(id);
    else {
      const row = model().rows.microservices.get(id);
      microservices.set(id, { ...row, node_id: `${1 + roll(3)}`, state: ['running', 'failed', 'queued'][roll(3)] });
    }
    nodes.set('1', { ...nodes.get('1'), state: roll(2) ? 'online' : 'offline' });
    network.update(all, 'state');
    const anew = new Network();
    anew.update(all, 'state');
    assert.deepEqual(new Map([...network.places].sort()), new Map([...anew.places].sort()));
    assert.deepEqual(network.parts, new Map([...network.parts].filter(([each]) => microservices.has(each))));
    assert.deepEqual(network.paths, anew.paths);
    assert.deepEqual(network.pathsAt, anew.pathsAt);
  }
});

test('from everybody there is one wire for each node of the application', () => {
  const { network } = known();
  assert.deepEqual(network.paths.get('all').wires.map((each) => each.from.node), ['1']);
});

test('a search finds nodes by what runs there, and dims the rest', () => {
  const { network } = known();
  const said = emphasis(network, { ...NOTHING, q: 'LAB/c' }, []);
  assert.deepEqual(said.found, ['2']);
  assert.equal(isBright(said, 'c'), true);
  assert.equal(isBright(said, 'b'), false);
  assert.equal(isBright(said, '1'), false);
  assert.equal(emphasis(network, { ...NOTHING, q: 'edge-2 shop' }, []).found.length, 1);
  assert.deepEqual(emphasis(network, { ...NOTHING, state: 'attention' }, []).found, ['2', '3']);
  assert.deepEqual(emphasis(network, { ...NOTHING, application: 'shop' }, []).found, ['1', '2']);
  assert.deepEqual(emphasis(network, { ...NOTHING, state: 'failed' }, []).found, ['2']);
});

test('what is selected stands out with who is at its routes; without routes, nothing is dimmed', () => {
  const { network } = known();
  const said = emphasis(network, NOTHING, [{ kind: 'microservice', id: 'a' }]);
  assert.deepEqual([...said.routes].sort(), ['ab', 'all', 'up']);
  assert.equal(isBright(said, '2'), true);
  assert.equal(isBright(said, 'b'), true);
  assert.equal(isBright(said, 'c'), false);
  assert.equal(isBright(said, '3'), false);
  const alone = emphasis(network, NOTHING, [{ kind: 'node', id: '3' }]);
  assert.equal(alone.near, null);
  assert.equal(isBright(alone, '1'), true);
});

test('wires join the sides of cards; what stays inside a card is no wire', () => {
  const [left, right] = [{ x: 0, y: 0, w: 10, h: 10 }, { x: 50, y: 20, w: 10, h: 10 }];
  assert.deepEqual([sideways(left, right).x0, sideways(left, right).x1], [10, 50]);
  assert.deepEqual([sideways(right, left).x0, sideways(right, left).x1], [50, 10]);
  const { network } = known();
  assert.equal(separate(network.paths.values(), () => left, 9).length, 0);
});

test('between groups, routes are one bundle for each direction', () => {
  const { network } = known('label:zone');
  const drawn = layout([...network.places.values()].map(({ id, row, group, parts }) =>
    ({ id, name: row.name, group, created_at: THEN, chips: parts.length })),
  { groups: ['z1', 'z2', 'z3'], title: (key) => key, plain: false, aspect: 1.6 });
  const bundles = bundled(network, drawn).map(({ from, to, paths }) => [from, to, paths.length]);
  assert.deepEqual(bundles.sort(), [['gz1', '', 1], ['gz1', 'gz2', 2]]);
});

test('arrow keys reach every node, and go back the way they came', () => {
  const drawn = laid(nodesOf(dice(11), 60, 5));
  const reached = new Set([stepped(drawn, '', 'first')]);
  for (const id of reached) {
    for (const act of ['left', 'right', 'up', 'down', 'before', 'after']) reached.add(stepped(drawn, id, act));
  }
  assert.equal(reached.size, 60);
  const first = stepped(drawn, '', 'first');
  assert.equal(stepped(drawn, stepped(drawn, first, 'right'), 'left'), first);
});
