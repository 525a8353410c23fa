import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Messages } from '../../ecn/dashboard/page/core/sse.js';

const STREAM = 'retry: 700\r\n: hello\n\nid: 4\nevent: change\ndata: {"a":\ndata: 1}\n\n' +
  'data:two\r\rid: 5\n\nevent: empty\n\ndata\n\ndata: ü\r\n\r\ndata: half';
const WHOLE = [
  { id: '4', event: 'change', data: '{"a":\n1}' },
  { id: '4', event: 'message', data: 'two' },
  { id: '5', event: 'message', data: '' },
  { id: '5', event: 'message', data: 'ü' },
];

test('messages are the same wherever the stream is cut', () => {
  for (let first = 0; first <= STREAM.length; first += 1) {
    for (let second = first; second <= STREAM.length; second += 1) {
      const messages = new Messages();
      const cut = [STREAM.slice(0, first), STREAM.slice(first, second), STREAM.slice(second)];
      assert.deepEqual(cut.flatMap((piece) => messages.push(piece)), WHOLE);
      assert.equal(messages.retry, 700);
    }
  }
});
