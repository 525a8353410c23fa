/** The link against a controller that fails in every way: nothing is lost, nothing comes twice. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem } from '../../ecn/dashboard/page/core/api.js';
import { Connection } from '../../ecn/dashboard/page/core/connection.js';
import { Model } from '../../ecn/dashboard/page/core/model.js';

const later = globalThis.setTimeout;
// Waits are over at once, and nobody is silent for too long.
globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ done, /** @type {number} */ wait) =>
  (wait > 20_000 ? later(() => {}, 0) : later(done, 0)));
Object.assign(globalThis, { addEventListener() {}, document: { addEventListener() {}, hidden: false } });

/** @param {number} seed @returns {() => number} 0 … 1, the same each time */
function chances(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A controller with a log of nodes that are renamed; each stream ends in some way. */
class Fickle {
  /** @param {number} seed */
  constructor(seed) {
    this.chance = chances(seed);
    this.head = 1 + Math.floor(this.chance() * 20);
    this.snapshots = 0;
    this.resets = 0;
  }

  /** @param {number} position */
  nodesAt(position) {
    const names = new Map();
    for (let at = 1; at <= position; at += 1) names.set(`n${at % 7}`, `name-${at}`);
    return names;
  }

  async get() {
    this.snapshots += 1;
    if (this.chance() < 0.3) throw new Problem({ title: 'away', status: 503, code: 'away' });
    const nodes = [...this.nodesAt(this.head)].map(([id, name]) => ({ id, name }));
    return { position: this.head, version: '1', put: { nodes } };
  }

  /** @param {string} _ @param {any} options */
  async fetch(_, options) {
    if (this.chance() < 0.3) throw new Problem({ title: 'away', status: this.chance() < 0.5 ? 0 : 503, code: 'away' });
    let after = Number(options.headers['Last-Event-ID']);
    // Doubles, as where a frame spans more than what is missing.
    if (this.chance() < 0.3) after = Math.max(0, after - 3);
    let text = 'retry: 10\n\nevent: status\ndata: {"stale":false,"version":"1"}\n\n';
    const reset = this.chance() < 0.15;
    if (reset) {
      text = 'event: reset\ndata: {}\n\n';
    } else {
      this.head += Math.floor(this.chance() * 12);
      while (after < this.head) {
        const start = after;
        after = Math.min(this.head, after + 1 + Math.floor(this.chance() * 3));
        const nodes = [];
        for (let at = start + 1; at <= after; at += 1) nodes.push({ id: `n${at % 7}`, name: `name-${at}` });
        text += `id: ${after}\nevent: change\ndata: ${JSON.stringify({ position: after, put: { nodes } })}\n\n`;
      }
    }
    const bytes = new TextEncoder().encode(text);
    const end = this.chance() < 0.5 ? bytes.length : Math.floor(this.chance() * bytes.length);
    if (reset && end === bytes.length) this.resets += 1;
    const breaks = this.chance() < 0.5;
    let at = 0;
    const step = 1 + Math.floor(this.chance() * 200);
    return new Response(new ReadableStream({
      pull(controller) {
        if (at < end) controller.enqueue(bytes.slice(at, at = Math.min(end, at + step)));
        else if (breaks) controller.error(new TypeError('network error'));
        else controller.close();
      },
    }));
  }
}

test('whatever breaks, the model is what it would be without', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const fickle = new Fickle(seed);
    const model = new Model();
    /** @type {number[]} */
    const applied = [];
    const connection = new Connection(/** @type {any} */ (fickle), model, {
      changed() {
        if (!model.loaded) return;
        const known = new Map([...model.rows.nodes].map(([id, row]) => [id, row.name]));
        assert.deepEqual(known, fickle.nodesAt(model.position), `seed ${seed}`);
      },
      applied: (frame) => applied.push(frame.position),
    });
    await connection.start();
    await new Promise((done) => { later(done, 60); });
    connection.stop();
    assert.ok(model.position > 0);
    assert.deepEqual(applied, [...new Set(applied)].sort((a, b) => a - b), 'each once, in order');
  }
});

test('a broken stream is no reason for another snapshot', async () => {
  const fickle = new Fickle(3);
  fickle.get = async () => {
    fickle.snapshots += 1;
    return { position: 1, version: '1', put: { nodes: [{ id: 'n1', name: 'name-1' }] } };
  };
  const fetch = fickle.fetch.bind(fickle);
  let streams = 0;
  fickle.fetch = (path, options) => {
    streams += 1;
    return fetch(path, options);
  };
  const connection = new Connection(/** @type {any} */ (fickle), new Model(), { changed() {}, applied() {} });
  await connection.start();
  while (streams < 30) await new Promise((done) => { later(done, 5); });
  connection.stop();
  // One to begin with; that of a reset just now may not have been asked for yet.
  assert.ok([0, 1].includes(1 + fickle.resets - fickle.snapshots), `${fickle.snapshots} for ${fickle.resets}`);
});

test('who is logged out is not asked again', async () => {
  let asked = 0;
  const refuse = async () => {
    asked += 1;
    throw new Problem({ title: 'Log in', status: 401, code: 'not-logged-in' });
  };
  const connection = new Connection(/** @type {any} */ ({ get: refuse, fetch: refuse }), new Model(),
    { changed() {}, applied() {} });
  await connection.start();
  await new Promise((done) => { later(done, 30); });
  assert.equal(asked, 1);
});
