/** Filters of lists, and the pictures of numbers. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { asked, counted, matching, toggled } from '../../ecn/dashboard/page/core/facets.js';
import { merged, rates } from '../../ecn/dashboard/page/core/rates.js';

/** @typedef {{name: string, state: string, labels: string[]}} Row */
/** @type {import('../../ecn/dashboard/page/core/facets.js').Facet<Row>[]} */
const FACETS = [
  { key: 'state', title: 'State', chips: true, order: ['online', 'offline'], values: (row) => [row.state] },
  { key: 'label', title: 'Label', values: (row) => row.labels },
];
/** @type {Row[]} */
const ROWS = [
  { name: 'edge-1', state: 'online', labels: ['zone=a', 'rack=1'] },
  { name: 'edge-2', state: 'offline', labels: ['zone=b'] },
  { name: 'Kiosk-10', state: 'registered', labels: [] },
];

/** @param {string} query */
const found = (query) => matching(ROWS, FACETS, asked(FACETS, new URLSearchParams(query)), (row) => row.name)
  .map((row) => row.name);

test('without filters all are shown, in their order', () => {
  assert.deepEqual(found(''), ['edge-1', 'edge-2', 'Kiosk-10']);
});

test('all words must be found, in any order, whatever their case', () => {
  assert.deepEqual(found('q=10+KIOSK'), ['Kiosk-10']);
  assert.deepEqual(found('q=edge+kiosk'), []);
});

test('several states are any of them; several filters are all of them', () => {
  assert.deepEqual(found('state=offline,registered'), ['edge-2', 'Kiosk-10']);
  assert.deepEqual(found('state=offline,online&label=zone%3Da'), ['edge-1']);
});

test('parameters of others are no filters', () => {
  assert.deepEqual(asked(FACETS, new URLSearchParams('at=5&sort=name&state=online&q=')), { state: 'online' });
});

test('values are counted: those that are known beforehand first, and a chosen one even if nobody has it', () => {
  const [state, label] = FACETS;
  assert.ok(state && label);
  assert.deepEqual(counted(ROWS, state, 'failed'), [['online', 1], ['offline', 1], ['failed', 0], ['registered', 1]]);
  assert.deepEqual(counted(ROWS, label), [['rack=1', 1], ['zone=a', 1], ['zone=b', 1]]);
});

test('what is known beforehand is offered also where no row has it', () => {
  assert.deepEqual(counted([], /** @type {any} */ (FACETS[0])), [['online', 0], ['offline', 0]]);
});

test('a chip pressed twice is as before', () => {
  for (const before of ['', 'a', 'a,b', 'b']) {
    const once = toggled(before, 'c');
    assert.ok(once.split(',').includes('c'));
    assert.equal(toggled(once, 'c'), before);
  }
});

test('rates of a log add up to its length, whatever points are known of it', () => {
  const minute = 60_000;
  for (const step of [1, 7, 100, 599]) {
    const points = [];
    for (let position = 1; position <= 600; position += step) points.push({ position, at: position * 3000 });
    points.push({ position: 600, at: 600 * 3000 });
    const slots = rates(merged(points), 31 * minute, 31);
    assert.ok(Math.abs(slots.reduce((sum, each) => sum + each, 0) - 600) < 1e-6, `step ${step}`);
    assert.ok(slots.slice(2, 29).every((each) => Math.abs(each - 20) < 1e-6), `step ${step}`);
  }
});

test('a minute without events has none, and what is far back is left out', () => {
  const points = [{ position: 1, at: 0 }, { position: 50, at: 1000 }, { position: 51, at: 600_000 }];
  assert.deepEqual(rates(points, 660_000, 2).map(Math.round), [0, 0]);
  assert.deepEqual(rates([], 660_000, 3), [0, 0, 0]);
});

test('points of two sources are one line, in which time never goes back', () => {
  const line = merged([{ position: 1, at: 10 }, { position: 3, at: 30 }], [{ position: 2, at: 35 }, { position: 3, at: 30 }]);
  assert.deepEqual(line, [{ position: 1, at: 10 }, { position: 2, at: 35 }, { position: 3, at: 35 }]);
});
