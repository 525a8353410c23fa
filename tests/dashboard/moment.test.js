import assert from 'node:assert/strict';
import { test } from 'node:test';

import { waitAfter } from '../../ecn/dashboard/page/core/connection.js';
import { rates, timeAt } from '../../ecn/dashboard/page/core/extent.js';
import { eventsPerFrame, SPEEDS, waitBefore } from '../../ecn/dashboard/page/core/film.js';
import { meant } from '../../ecn/dashboard/page/core/places.js';

const POINTS = [
  { position: 1, time: 1000 }, { position: 11, time: 2000 }, { position: 21, time: 102_000 }, { position: 31, time: 102_000 },
];

test('times between two points are spread evenly, and never go back', () => {
  assert.equal(timeAt(POINTS, 6), 1500);
  assert.equal(timeAt(POINTS, 31), 102_000);
  assert.equal(timeAt(POINTS, 400), 102_000);
  assert.equal(timeAt([], 4), null);
  let before = 0;
  for (let position = 0; position < 40; position += 1) {
    const time = /** @type {number} */ (timeAt(POINTS, position));
    assert.ok(time >= before);
    before = time;
  }
});

test('the faster events came, the higher is the bar, and none is invisible', () => {
  const [quick, slow, burst] = rates(POINTS).map((each) => each.height);
  assert.ok(burst === 1 && quick < burst && slow < quick && slow > 0);
  assert.deepEqual(rates([]), []);
  assert.deepEqual(rates(POINTS.slice(0, 2)).map((each) => each.height), [0.5]);
});

test('a film shows as many events a second as its speed says, in few frames', () => {
  for (const speed of SPEEDS.filter((each) => each.events)) {
    const every = eventsPerFrame(speed);
    const frame = { position: 9, events: Array.from({ length: every }, () => /** @type {any} */ ({})) };
    const wait = waitBefore(speed, frame, undefined);
    assert.ok(Math.abs(every / (wait / 1000) - /** @type {number} */ (speed.events)) < 1e-6);
    assert.ok(wait >= 40 || every === 1);
  }
});

test('a film in its own time cuts silences short', () => {
  const speed = { name: '', times: 10 };
  const frame = { position: 9, time: '2026-01-01T00:00:05Z' };
  assert.equal(waitBefore(speed, frame, '2026-01-01T00:00:00Z'), 500);
  assert.equal(waitBefore(speed, frame, '2025-01-01T00:00:00Z'), 2000);
  assert.equal(waitBefore(speed, frame, '2026-01-01T00:00:06Z'), 0);
});

test('who lost the controller comes back soon, then seldom, and not all at once', () => {
  assert.ok(waitAfter(1, 1) <= 500);
  for (const chance of [0, 0.3, 1]) {
    for (let failures = 1; failures < 2000; failures += 1) {
      const wait = waitAfter(failures, chance);
      assert.ok(wait >= 250 && wait <= 5000);
    }
  }
  assert.notEqual(waitAfter(3, 0), waitAfter(3, 1));
});

test('what is typed is looked for in names and kinds, the closest first', () => {
  const places = ['shop/web', 'web', 'cobweb', 'shop/web-2', 'berlin-1'].map((name) => (
    { kind: 'microservice', name, view: 'microservices', rest: name.split('/') }));
  assert.deepEqual(meant(places, 'web', 9).found.map((each) => each.name),
    ['web', 'shop/web', 'shop/web-2', 'cobweb']);
  assert.deepEqual(meant(places, ' SHOP  micro ', 1), { found: [places[0]], all: 2 });
  assert.equal(meant(places, 'nobody', 9).all, 0);
});
