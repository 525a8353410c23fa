/** What the timeline asks, and how it lays out what it got. */

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  actorOf, byDay, filtersOf, grouped, instantOf, localOf, news, pathOf, subjectOf, subjectParts,
} from '../../ecn/dashboard/page/parts/event-query.js';

/** Numbers that look random and are the same each time. */
function* numbers(seed = 7) {
  for (let state = seed; ; ) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state >> 8;
  }
}

const event = (position, command = `c${position}`, time = '2026-03-01T12:00:00Z') => ({
  position, time, type: 'node.updated.v1', subject: 'node/1', actor_name: 'user/anna',
  command_id: command, correlation_id: command,
});

test('groups hold every event once, in the order of the log, and only neighbours of one command', () => {
  const random = numbers();
  for (let round = 0; round < 300; round += 1) {
    const events = [];
    for (let position = 40; position > 0; position -= 1) {
      if (random.next().value % 4) events.push(event(position, `c${Math.floor(position / (1 + (random.next().value % 5)))}`));
    }
    const groups = grouped(events);
    const again = groups.flatMap(({ head, rest }) => [head, ...rest].reverse());
    assert.deepEqual(again.map((each) => each.position), events.map((each) => each.position));
    for (const { head, rest, newest, key } of groups) {
      const whole = [head, ...rest];
      assert.equal(whole.at(-1), newest);
      assert.equal(key, String(newest.position));
      for (const each of whole) assert.equal(each.command_id, head.command_id);
      assert.deepEqual(whole.map((each) => each.position), whole.map((each) => each.position).sort((a, b) => a - b));
    }
    groups.slice(1).forEach((each, index) => assert.notEqual(each.head.command_id, groups[index].head.command_id));
  }
});

test('a list that goes on by news is the list that would have been asked for', () => {
  const log = Array.from({ length: 60 }, (_, index) => event(index + 1));
  for (let known = 0; known <= 60; known += 1) {
    for (let kept = 1; kept <= 60; kept += 7) {
      const found = news(log.slice(60 - kept), known, 60);
      if (known < 60 - kept) assert.equal(found, null);
      else assert.deepEqual(found, log.slice(known).reverse());
    }
  }
  assert.deepEqual(news([], 60, 60), []);
  assert.equal(news([], 59, 60), null);
});

test('days are the viewer\'s, in the order of the events', () => {
  const of = (time) => ({ head: event(1, 'c', time) });
  const days = byDay([of('2026-03-03T12:00:00Z'), of('2026-03-03T11:00:00Z'), of('2026-03-01T12:00:00Z')]);
  assert.deepEqual(days.map((each) => each.groups.length), [2, 1]);
});

test('what is typed becomes what the API is asked', () => {
  assert.equal(actorOf(' anna '), 'user/anna');
  assert.equal(actorOf('node/edge-1'), 'node/edge-1');
  assert.equal(actorOf('controller'), 'controller');
  assert.equal(actorOf(''), '');
  assert.equal(subjectOf('', 'shop/web'), 'microservice/shop/web');
  assert.equal(subjectOf('', 'edge-1'), 'node/edge-1');
  assert.equal(subjectOf('', 'application/shop'), 'application/shop');
  assert.equal(subjectOf('route', 'shop/up'), 'route/shop/up');
  assert.equal(subjectOf('route', ''), 'route');
  assert.deepEqual(subjectParts('route/shop/up'), { kind: 'route', name: 'shop/up' });
  assert.deepEqual(subjectParts('route'), { kind: 'route', name: '' });
  assert.equal(localOf(instantOf('2026-03-01T12:00:07')), '2026-03-01T12:00:07');
  assert.equal(instantOf('nonsense'), '');
  assert.equal(localOf('2h'), '');
});

test('filters are read from the URL, others of it are left alone', () => {
  const query = new URLSearchParams('type=node&text=&at=7&sort=name');
  assert.deepEqual(filtersOf(query), { type: 'node' });
  assert.equal(pathOf({ text: 'a&b' }, { order: 'desc', limit: 3 }), '/events?text=a%26b&order=desc&limit=3');
});
