/** Routes beneath the cards: their ways, what flows and what waits, and what changed just now. */

import { toneOf } from '../parts/tone.js';
import { count } from '../core/format.js';
import { font, glyph, onScreen, rounded, widthOf } from './ink.js';
import { lengthOf, pointOn } from './wires.js';

/** @import { Flow } from '../core/types.js' */
/** @import { Tone } from '../parts/tone.js' */
/** @import { Box } from './layout.js' */
/** @import { Picture } from './ink.js' */
/** @import { Bundle, Curve, Drawn } from './wires.js' */

/**
 * @typedef {object} Traffic
 * @property {Drawn[]} wires
 * @property {Bundle[]} bundles
 * @property {(id: string) => boolean} loud whether a route stands out
 * @property {(id: string) => boolean} faint whether it steps back because another one stands out
 * @property {Map<string, Flow>} flows by route id; empty for the past
 * @property {number} clock milliseconds; 0 where nothing is to move
 */

const TROUBLES = 14;
/** How long what changed stands out, in milliseconds. */
export const FLASH = 1400;

/**
 * How a wire looks.
 * @typedef {object} Look
 * @property {Curve} curve of the drawing
 * @property {string} state
 * @property {number} rate
 * @property {number} stored
 * @property {boolean} loud
 * @property {boolean} faint
 * @property {number} width
 */

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Traffic} traffic
 * @returns {boolean} whether something moves
 */
export function paintWires(ctx, picture, traffic) {
  let moves = false;
  for (const look of looks(traffic)) moves = wire(ctx, picture, look, traffic.clock) || moves;
  ctx.globalAlpha = 1;
  return moves;
}

/**
 * What is wrong with routes, over the cards: a shape, and how many messages wait.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Traffic} traffic
 */
export function paintTroubles(ctx, picture, traffic) {
  const found = [...looks(traffic)].filter((look) =>
    !look.faint && (look.state === 'waiting' || look.state === 'refusing' || look.loud));
  // Where most waits first: more than a few would hide what they are about.
  found.sort((a, b) => Number(b.loud) - Number(a.loud) || b.stored - a.stored);
  let left = TROUBLES;
  for (const look of found) {
    const way = curveOnScreen(picture, look.curve);
    if (outside(way, picture.size.w, picture.size.h)) continue;
    trouble(ctx, picture, way, look);
    if ((left -= 1) === 0) break;
  }
}

/**
 * @param {Traffic} traffic
 * @returns {Generator<Look>}
 */
function* looks({ bundles, wires, flows, loud, faint }) {
  for (const { paths, curve } of bundles) {
    const all = paths.map(({ id }) => flows.get(id));
    const stands = paths.some(({ id }) => loud(id));
    yield {
      curve,
      state: worst(all),
      rate: all.reduce((sum, flow) => sum + rateOf(flow), 0),
      stored: all.reduce((sum, flow) => sum + (flow?.stored ?? 0), 0),
      loud: stands,
      faint: !stands && paths.every(({ id }) => faint(id)),
      width: 1 + Math.min(4, Math.log2(1 + paths.length) * 0.6),
    };
  }
  for (const { path, curve } of wires) {
    const flow = flows.get(path.id);
    const stands = loud(path.id);
    yield {
      curve,
      state: flow?.state ?? '',
      rate: rateOf(flow),
      stored: flow?.stored ?? 0,
      loud: stands,
      faint: !stands && faint(path.id),
      width: 1.25 + Math.min(2.5, Math.log10(1 + rateOf(flow))),
    };
  }
}

/** @param {Flow | undefined} flow */
const rateOf = (flow) => flow?.rate_out ?? flow?.rate_in ?? 0;

/** @param {(Flow | undefined)[]} flows */
function worst(flows) {
  const states = new Set(flows.map((each) => each?.state));
  return ['refusing', 'waiting', 'unknown', 'up'].find((each) => states.has(each)) ?? '';
}

/**
 * @param {Look} how
 * @returns {Tone | null} of a state that somebody should look at
 */
const toneFor = ({ state }) => (state && state !== 'up' && state !== 'unknown' ? toneOf(state) : null);

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Look} how
 * @param {number} clock
 * @returns {boolean} whether it moves
 */
function wire(ctx, picture, how, clock) {
  const { palette, size } = picture;
  const way = curveOnScreen(picture, how.curve);
  if (outside(way, size.w, size.h)) return false;
  const tone = toneFor(how);
  const color = tone ? palette[tone] : how.state === 'up' ? palette.accent : palette['line-strong'];
  ctx.globalAlpha = how.faint ? 0.12 : how.loud ? 1 : 0.45;
  ctx.strokeStyle = color;
  ctx.lineWidth = how.width + (how.loud ? 1 : 0);
  // What waits is dashed, what is refused dotted: it needs no colour.
  ctx.setLineDash(how.state === 'waiting' ? [7, 5] : how.state === 'refusing' ? [2, 4] : []);
  ctx.beginPath();
  ctx.moveTo(way.x0, way.y0);
  ctx.bezierCurveTo(way.ax, way.ay, way.bx, way.by, way.x1, way.y1);
  ctx.stroke();
  ctx.setLineDash([]);
  arrow(ctx, way, color, how.loud ? 8 : 6);
  if (how.faint) return false;
  if (!how.rate || how.state !== 'up') return false;
  drops(ctx, way, color, how.rate, clock, how.width);
  return clock > 0;
}

/**
 * Small drops along the way: the more there are, the more flows.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Curve} way
 * @param {string} color
 * @param {number} rate per second
 * @param {number} clock
 * @param {number} width
 */
function drops(ctx, way, color, rate, clock, width) {
  const length = lengthOf(way);
  const number = Math.max(1, Math.min(8, Math.round((length / 260) * (1 + Math.log10(1 + rate)))));
  const speed = 46 + 24 * Math.log10(1 + rate);
  ctx.globalAlpha = Math.min(1, ctx.globalAlpha + 0.4);
  ctx.fillStyle = color;
  for (let n = 0; n < number; n += 1) {
    const part = (n / number + ((clock / 1000) * speed) / Math.max(40, length)) % 1;
    const [x, y] = pointOn(way, part);
    ctx.beginPath();
    ctx.arc(x, y, 1.2 + width * 0.55, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Curve} way
 * @param {Look} how
 */
function trouble(ctx, { palette }, way, how) {
  const tone = toneFor(how);
  if (!tone && !how.stored) return;
  const [x, y] = pointOn(way, 0.5);
  const text = how.stored ? `${count(how.stored)}${how.loud ? ' stored' : ''}` : '';
  font(ctx, palette, 11, 600);
  const shape = tone ? 12 : 0;
  const w = widthOf(ctx, text) + shape + (text ? 12 : 6);
  rounded(ctx, { x: x - w / 2, y: y - 9, w, h: 18 }, 9);
  ctx.fillStyle = palette.raised;
  ctx.fill();
  const color = tone ? palette[tone] : palette['line-strong'];
  ctx.lineWidth = 1;
  ctx.strokeStyle = color;
  ctx.stroke();
  if (tone) glyph(ctx, tone, x - w / 2 + 9, y, 3.6, color);
  ctx.fillStyle = palette.text;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.fillText(text, x - w / 2 + shape + 6, y + 0.5);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Curve} way
 * @param {string} color
 * @param {number} long
 */
function arrow(ctx, way, color, long) {
  const angle = Math.atan2(way.y1 - way.by, way.x1 - way.bx);
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.moveTo(way.x1, way.y1);
  for (const turn of [0.4, -0.4]) {
    ctx.lineTo(way.x1 - long * Math.cos(angle + turn), way.y1 - long * Math.sin(angle + turn));
  }
  ctx.fill();
}

/**
 * A ring around what changed just now, that goes by itself.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Iterable<[Box, number]>} flashes a place, and how much of its time has passed, 0 to 1
 * @param {boolean} still without movement
 */
export function paintFlashes(ctx, picture, flashes, still) {
  ctx.strokeStyle = picture.palette.accent;
  for (const [place, passed] of flashes) {
    const box = onScreen(picture.camera, place);
    const out = still ? 2 : 1 + 5 * passed;
    ctx.globalAlpha = still ? 0.9 : 1 - passed;
    ctx.lineWidth = 2.5;
    rounded(ctx, { x: box.x - out, y: box.y - out, w: box.w + 2 * out, h: box.h + 2 * out }, 6);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

/**
 * @param {Picture} picture
 * @param {Curve} curve
 * @returns {Curve}
 */
function curveOnScreen({ camera: { x, y, scale } }, { x0, y0, ax, ay, bx, by, x1, y1 }) {
  return {
    x0: (x0 - x) * scale, y0: (y0 - y) * scale, ax: (ax - x) * scale, ay: (ay - y) * scale,
    bx: (bx - x) * scale, by: (by - y) * scale, x1: (x1 - x) * scale, y1: (y1 - y) * scale,
  };
}

/**
 * @param {Curve} way
 * @param {number} w
 * @param {number} h
 */
function outside({ x0, y0, ax, ay, bx, by, x1, y1 }, w, h) {
  return Math.max(x0, ax, bx, x1) < 0 || Math.min(x0, ax, bx, x1) > w ||
    Math.max(y0, ay, by, y1) < 0 || Math.min(y0, ay, by, y1) > h;
}
