import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keysOf, pathText, pointerTo, valueText } from '../../ecn/dashboard/page/parts/value.js';
import { compared } from '../../ecn/dashboard/page/parts/compared.js';

/** @param {Record<string, unknown>} desired @param {Record<string, unknown>} reported */
const rows = (desired, reported) => compared(desired, reported);

test('a pointer of keys has those keys, whatever they are', () => {
  for (const keys of [['env', 'A'], ['a/b', '~', '~1'], ['', ' '], ['__proto__'], ['"']]) {
    assert.deepEqual(keysOf(pointerTo(keys)), keys);
  }
  assert.equal(pathText('/env/a~1b'), 'env."a/b"');
});

test('a value can not be taken for another one', () => {
  assert.equal(valueText('nginx:2'), 'nginx:2');
  assert.equal(valueText(null), 'none');
  for (const text of ['none', 'true', '12', '', ' a', 'a\nb', 'say "a"']) assert.equal(valueText(text), JSON.stringify(text));
  assert.equal(valueText('x'.repeat(500)).length, 120);
});

test('what is the same on both sides never differs, whatever the order of its keys', () => {
  const twin = { a: 1, net: { mtu: 1500, list: [1, { b: 2, c: 3 }] }, text: 'x' };
  const turned = { text: 'x', net: { list: [1, { c: 3, b: 2 }], mtu: 1500 }, a: 1 };
  assert.deepEqual(rows(twin, turned).filter((each) => each.differs), []);
});

test('what is desired and not reported so differs; what is only reported does not', () => {
  const found = rows({ rate: 5, net: { mtu: 1500 }, gone: {} }, { rate: 4, net: { mtu: 1500 }, up: true, gone: {} });
  assert.deepEqual(found.map((each) => [each.path, each.differs]), [
    ['/gone', false], ['/net/mtu', false], ['/rate', true], ['/up', false],
  ]);
});

test('a property that is an object on one side alone is told as such', () => {
  const found = rows({ net: { mtu: 1 } }, { net: 'none' });
  assert.ok(found.some((each) => each.path === '/net/mtu' && each.differs));
});
