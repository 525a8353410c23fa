import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Lines, pieces, plain } from '../../ecn/dashboard/page/parts/lines.js';

/** A stream of chance that is the same each time. @param {number} seed */
function chance(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

/** @param {number} number @param {number} same how many lines share a moment */
const stamp = (number, same) =>
  `2026-03-01T12:00:00.${String(Math.floor(number / same) * 1700).padStart(9, '0')}Z`;

test('however a log is cut and however often its link breaks, each line comes once and in its order', () => {
  for (let seed = 1; seed < 200; seed += 1) {
    const draw = chance(seed);
    const all = Array.from({ length: 60 }, (_, number) => `${stamp(number, 1 + (seed % 3))} line ${number}\n`);
    const lines = new Lines();
    /** @type {string[]} */
    const heard = [];
    let whole = all.join('');
    for (let tries = 0; whole; tries += 1) {
      const until = tries < 5 ? draw(whole.length) : whole.length;
      for (let at = 0; at < until;) {
        const next = Math.min(until, at + 1 + draw(90));
        heard.push(...lines.feed(whole.slice(at, next)).map((each) => each.text));
        at = next;
      }
      if (until === whole.length) break;
      // The link broke: the log comes again, from that very moment on.
      const since = lines.since;
      whole = all.filter((each) => !since || cut(each.split(' ')[0] ?? '') >= since).join('');
      lines.resumed();
    }
    assert.deepEqual(heard, all.map((_, number) => `line ${number}`), `seed ${seed}`);
  }
});

/** As the controller does: to the microsecond. @param {string} time */
const cut = (time) => time.replace(/(\.\d{6})\d+Z$/, '$1Z');

test('what is left without an end comes at the end', () => {
  const lines = new Lines();
  assert.deepEqual(lines.feed('2026-03-01T12:00:00.000000001Z whole\n2026-03-01T12:00:00.000000002Z ha'), [
    { number: 1, time: '2026-03-01T12:00:00.000000001Z', text: 'whole' },
  ]);
  assert.equal(lines.end()[0]?.text, 'ha');
  assert.deepEqual(lines.end(), []);
});

test('what the agent says itself has no time and always comes', () => {
  const lines = new Lines();
  assert.equal(lines.feed('2026-03-01T12:00:00.000000001Z one\n').length, 1);
  assert.deepEqual(lines.feed('the container was replaced\n')[0], {
    number: 2, time: '', text: 'the container was replaced',
  });
});

test('colours and moves of terminals are left out, and what was written over', () => {
  assert.equal(plain('\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain'), 'red and plain');
  assert.equal(plain('10 %\r50 %\r100 %\r'), '100 %');
  assert.equal(plain('a\tb\x00c\x08d'), 'a\tbcd');
});

test('the pieces of a marked line are the line', () => {
  for (const [text, wanted] of /** @type {const} */ ([
    ['Error: error again', 'ERROR'], ['none', 'x'], ['aaaa', 'aa'], ['', 'a'], ['İstanbul error', 'error'],
    ['<img src=x onerror=alert(1)>', '<img'],
  ])) {
    assert.equal(pieces(text, wanted).join(''), text);
  }
  assert.deepEqual(pieces('an Error', 'error'), ['an ', 'Error', '']);
});
