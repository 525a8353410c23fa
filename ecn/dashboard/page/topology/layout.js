/**
 * Where everything is drawn. Pure: the same network has the same places, and a small change moves
 * little: a new node takes the next free slot of its group, and groups grow by steps.
 *
 * Places are of the drawing, not of the screen: a card is as large as it is to be read at zoom 1.
 */

import { byName } from './grouping.js';

/** @typedef {{x: number, y: number, w: number, h: number}} Box the upper left corner, and how large */
/** @typedef {Box & {key: string, title: string, header: number, nodes: string[]}} GroupBox */

/**
 * @typedef {object} Placed a node to find a place for
 * @property {string} id
 * @property {string} name
 * @property {string} group
 * @property {string} created_at
 * @property {number} chips how many microservices it has
 */

/**
 * @typedef {object} Layout
 * @property {Box} bounds of all
 * @property {number} rows how many microservices a card has room for
 * @property {number} large by how much headers and the centre are larger than cards, to be readable
 *     when all of a large network is seen
 * @property {{controller: Box, router: Box, upstream: Box}} centre
 * @property {GroupBox[]} groups
 * @property {Map<string, Box>} nodes
 */

export const CARD = { w: 240, top: 54, chip: 26, bottom: 8, gap: 34 };
const PAD = 20;
const CENTRE = { w: 170, h: 60, gap: 30, below: 50 };
const ROWS = { least: 2, most: 6 };

/**
 * @param {readonly Placed[]} nodes
 * @param {object} how
 * @param {readonly string[]} how.groups their keys, in the order to be drawn
 * @param {(key: string) => string} how.title
 * @param {boolean} how.plain without frames around groups: there is but one
 * @param {number} how.aspect width by height of the room there is
 * @returns {Layout}
 */
export function layout(nodes, { groups, title, plain, aspect }) {
  // Where it is narrow, all of it is seen from further away.
  const large = largeness(nodes.length) * (aspect < 1 ? 1.5 : 1);
  const rows = chipRows(nodes);
  const card = { w: CARD.w, h: CARD.top + rows * CARD.chip + CARD.bottom };
  /** @type {Map<string, Placed[]>} */
  const members = new Map(groups.map((key) => [key, []]));
  for (const node of nodes) members.get(node.group)?.push(node);
  const pad = plain ? 0 : PAD + 4 * large;
  const header = plain ? 0 : 34 * large;
  const blocks = groups.map((key) => {
    const inside = members.get(key) ?? [];
    const [columns, lines] = grid(inside.length, plain ? aspect * 1.15 : Math.min(1.7, Math.max(1, aspect)), card);
    return {
      key,
      title: title(key),
      header,
      columns,
      inside: inside.sort((a, b) => compare(a.created_at, b.created_at) || byName(a.name, b.name)),
      w: columns * (card.w + CARD.gap) - CARD.gap + 2 * pad,
      h: lines * (card.h + CARD.gap) - CARD.gap + 2 * pad + header,
    };
  });
  const gap = plain ? CARD.gap : 16 + 12 * large;
  const spots = packed(blocks, gap, aspect);
  const { wide, tall } = extent(blocks, spots);
  const centre = centreOf(wide / 2, large);
  const top = centre.controller.h + CENTRE.below * large;
  /** @type {Map<string, Box>} */
  const places = new Map();
  /** @type {GroupBox[]} */
  const boxes = blocks.map((block, i) => {
    const { x, y } = /** @type {{x: number, y: number}} */ (spots[i]);
    block.inside.forEach((node, n) => places.set(node.id, {
      x: x + pad + (n % block.columns) * (card.w + CARD.gap),
      y: top + y + header + pad + Math.floor(n / block.columns) * (card.h + CARD.gap),
      ...card,
    }));
    const ids = block.inside.map((node) => node.id);
    const { key, title, w, h } = block;
    return { key, title, header, nodes: ids, x, y: top + y, w, h };
  });
  const left = Math.min(0, centre.controller.x);
  const right = Math.max(wide, centre.upstream.x + centre.upstream.w);
  const bounds = { x: left, y: 0, w: right - left, h: top + tall };
  return { bounds, rows, large, centre, groups: boxes, nodes: places };
}

/**
 * Of what stands above all: the controller, the interior router, and what is outside.
 * @param {number} middle
 * @param {number} large
 */
function centreOf(middle, large) {
  const w = CENTRE.w * large;
  const h = CENTRE.h * large;
  const step = w + CENTRE.gap * large;
  const at = (/** @type {number} */ n) => ({ x: middle - w / 2 + n * step, y: 0, w, h });
  return { controller: at(-1), router: at(0), upstream: at(1) };
}

/**
 * By steps, so that one node more does not change everything.
 * @param {number} nodes
 */
function largeness(nodes) {
  if (nodes <= 24) return 1;
  if (nodes <= 60) return 1.8;
  if (nodes <= 150) return 2.8;
  if (nodes <= 400) return 4.4;
  return nodes <= 1500 ? 6.5 : 10;
}

/** @param {readonly Placed[]} nodes */
function chipRows(nodes) {
  const most = nodes.reduce((most, node) => Math.max(most, node.chips), 0);
  return Math.min(ROWS.most, Math.max(ROWS.least, most));
}

/**
 * Columns and lines for so many cards and a few more.
 * @param {number} nodes
 * @param {number} aspect
 * @param {{w: number, h: number}} card
 * @returns {[number, number]}
 */
function grid(nodes, aspect, card) {
  const slots = roomFor(nodes);
  const wanted = Math.sqrt((slots * aspect * (card.h + CARD.gap)) / (card.w + CARD.gap));
  const columns = Math.max(1, Math.min(slots, Math.round(wanted)));
  return [columns, Math.max(1, Math.ceil(slots / columns))];
}

/**
 * Slots for so many, by steps.
 * @param {number} nodes
 */
export function roomFor(nodes) {
  if (nodes <= 4) return Math.max(1, nodes);
  if (nodes <= 12) return Math.ceil(nodes / 2) * 2;
  if (nodes <= 40) return Math.ceil(nodes / 4) * 4;
  const step = 2 ** Math.floor(Math.log2(nodes / 10));
  return Math.ceil(nodes / step) * step;
}

/**
 * Puts blocks beside and below each other, in their order, each as high up as it fits: of a few
 * widths, the one whose whole fits best into the room there is.
 * @param {readonly {w: number, h: number}[]} blocks
 * @param {number} gap
 * @param {number} aspect
 * @returns {{x: number, y: number}[]}
 */
function packed(blocks, gap, aspect) {
  const widest = Math.max(0, ...blocks.map((each) => each.w));
  const area = blocks.reduce((sum, each) => sum + (each.w + gap) * (each.h + gap), 0);
  const ideal = Math.sqrt(area * aspect);
  /** @type {{x: number, y: number}[]} */
  let best = [];
  let least = Infinity;
  for (const share of [1, 0.9, 1.1, 1.2, 0.8, 1.35]) {
    const spots = skyline(blocks, Math.max(widest, ideal * share), gap);
    const { wide, tall } = extent(blocks, spots);
    const needs = Math.max(wide / aspect, tall);
    if (needs < least * 0.98) [best, least] = [spots, needs];
  }
  return best;
}

/**
 * @param {readonly {w: number, h: number}[]} blocks
 * @param {readonly {x: number, y: number}[]} spots
 */
function extent(blocks, spots) {
  return {
    wide: Math.max(0, ...spots.map((spot, i) => spot.x + (blocks[i]?.w ?? 0))),
    tall: Math.max(0, ...spots.map((spot, i) => spot.y + (blocks[i]?.h ?? 0))),
  };
}

/**
 * @param {readonly {w: number, h: number}[]} blocks
 * @param {number} width
 * @param {number} gap
 */
function skyline(blocks, width, gap) {
  /** @type {{x: number, w: number, y: number}[]} how far down it is taken, from left to right */
  let line = [{ x: 0, w: width + gap, y: 0 }];
  return blocks.map((block) => {
    const w = block.w + gap;
    let spot = { x: 0, y: Infinity };
    for (const { x } of line) {
      if (x + w > width + gap + 0.5) break;
      const under = line.filter((each) => each.x < x + w && each.x + each.w > x);
      const y = Math.max(...under.map((each) => each.y));
      if (y < spot.y - 0.5) spot = { x, y };
    }
    const end = spot.x + w;
    const next = [];
    for (const each of line) {
      if (each.x < spot.x) next.push({ ...each, w: Math.min(each.w, spot.x - each.x) });
    }
    next.push({ x: spot.x, w, y: spot.y + block.h + gap });
    for (const each of line) {
      const rest = each.x + each.w - Math.max(each.x, end);
      if (rest > 0.5) next.push({ x: Math.max(each.x, end), w: rest, y: each.y });
    }
    line = next;
    return spot;
  });
}

const compare = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? -1 : Number(a > b));
