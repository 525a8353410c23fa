/** The order of tables, and which of their rows are drawn. */

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  inOrderOf, nextSort, readSort, sameThings, seenRows, sorted,
} from '../../ecn/dashboard/page/parts/order.js';

/** Numbers that look random and are the same each time. */
function* numbers(seed = 7) {
  for (let state = seed; ; ) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state;
  }
}

test('sorting keeps every row, whatever the keys are, and what is not known comes last both ways', () => {
  const random = numbers();
  const next = () => /** @type {number} */ (random.next().value);
  for (let round = 0; round < 300; round += 1) {
    const rows = Array.from({ length: next() % 30 }, (_, id) => ({
      id, key: [undefined, next() % 5, `edge-${next() % 12}`, ''][next() % 4],
    }));
    for (const down of [false, true]) {
      const result = sorted(rows, (row) => row.key, down);
      assert.deepEqual(new Set(result), new Set(rows));
      const known = result.map((row) => row.key !== undefined && row.key !== '');
      assert.deepEqual(known, [...known].sort((a, b) => Number(b) - Number(a)));
    }
  }
});

test('rows of one key stay in the order that they came in', () => {
  const rows = ['a', 'b', 'c'].map((name) => ({ name, key: 1 }));
  assert.deepEqual(sorted(rows, (row) => row.key, true), rows);
});

test('edge-2 stands before edge-10', () => {
  assert.deepEqual(sorted(['edge-10', 'edge-2'], (name) => name, false), ['edge-2', 'edge-10']);
});

test('numbers are sorted as numbers', () => {
  assert.deepEqual(sorted([9, 10, -1], (n) => n, true), [10, 9, -1]);
});

test('three presses on a heading lead back to the usual order, for every heading and usual order', () => {
  for (const usual of ['', 'name', '-since', 'cpu', '-cpu']) {
    for (const [key, downFirst] of /** @type {[string, boolean][]} */ ([['name', false], ['cpu', true]])) {
      let text = usual;
      const seen = new Set();
      for (let press = 0; press < 6; press += 1) {
        text = nextSort(key, downFirst, readSort(text), usual) ?? usual;
        seen.add(text);
      }
      assert.ok(seen.has(key), `${key} upwards, usually ${usual}`);
      assert.ok(seen.has(`-${key}`), `${key} downwards, usually ${usual}`);
      assert.ok(seen.has(usual), `back to ${usual}`);
    }
  }
});

test('the rows that are drawn cover all that is seen, and are never many more', () => {
  const random = numbers(3);
  const next = () => /** @type {number} */ (random.next().value);
  for (let round = 0; round < 2000; round += 1) {
    const total = next() % 6000;
    const row = 20 + (next() % 60);
    const height = next() % 1500;
    const top = next() % Math.max(1, total * row);
    const { from, to } = seenRows(total, { top, height, row });
    assert.ok(from >= 0 && to <= total && from <= to);
    const deepest = Math.max(0, total * row - height);
    const first = Math.floor(Math.min(top, deepest) / row);
    assert.ok(from <= first, 'the first that is seen');
    assert.ok(to >= Math.min(total, Math.ceil((Math.min(top, deepest) + height) / row)), 'the last');
    assert.ok(to - from <= Math.ceil(height / row) + 24);
  }
});

test('lists are the same where each thing is the very same one', () => {
  const thing = {};
  assert.ok(sameThings([thing, 1], [thing, 1]));
  assert.ok(!sameThings([thing], [{}]));
  assert.ok(!sameThings([thing], [thing, thing]));
});

test('rows that were in order before keep it, each of now is there once, and none that is gone', () => {
  const random = numbers(5);
  const next = () => /** @type {number} */ (random.next().value);
  for (let round = 0; round < 300; round += 1) {
    const some = () => [...new Set(Array.from({ length: next() % 12 }, () => `k${next() % 15}`))];
    const before = some().map((key) => ({ key, old: true }));
    const rows = some().map((key) => ({ key, old: false }));
    const result = inOrderOf(before, rows, (row) => row.key);
    assert.deepEqual(new Set(result), new Set(rows));
    assert.equal(result.length, rows.length);
    const places = before.map((row) => result.findIndex((each) => each.key === row.key)).filter((each) => each >= 0);
    assert.deepEqual(places, [...places].sort((a, b) => a - b));
  }
});
