/** Nodes, as near as they are seen: tiles, names with marks, or cards with what runs there. */

import { toneOf } from '../parts/tone.js';
import { detailAt, overlap, seen } from './camera.js';
import { DIM, fitting, font, glyph, onScreen, rounded, widthOf } from './ink.js';
import { CARD } from './layout.js';
import { chipBox } from './wires.js';

/** @import { Picture, Shape } from './ink.js' */
/** @import { Box } from './layout.js' */
/** @import { Part, Place } from './network.js' */

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 */
export function paintNodes(ctx, picture) {
  const { camera, size, network, boxes } = picture;
  const view = seen(camera, size);
  const paint = { tiles: tile, names: name, cards: card }[detailAt(camera.scale)];
  for (const [id, box] of boxes) {
    if (!overlap(box, view)) continue;
    const place = network.places.get(id);
    if (!place) continue;
    ctx.globalAlpha = picture.bright(id) ? 1 : DIM;
    paint(ctx, picture, place, onScreen(camera, box), box);
  }
  ctx.globalAlpha = 1;
}

/**
 * @param {Place} place
 * @returns {Shape}
 */
export const shapeOf = (place) => (place.row.state === 'offline' ? 'offline' : place.tone);

/**
 * The colour of a shape.
 * @param {Picture['palette']} palette
 * @param {Shape} shape
 */
export const colorOf = (palette, shape) => palette[shape === 'offline' ? 'bad' : shape];

/**
 * What is fine is calm; the rest has a ground of its colour and a border.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Place} place
 * @param {Box} box on the screen
 * @param {number} radius
 */
function ground(ctx, { palette, marked }, place, box, radius) {
  const shape = shapeOf(place);
  const loud = shape === 'offline' || shape === 'bad' || shape === 'warn';
  const chosen = marked.has(place.id);
  rounded(ctx, box, radius);
  ctx.fillStyle = shape === 'offline' ? palette['bad-soft'] : palette.surface;
  if (loud && box.w < 60) ctx.fillStyle = palette[shape === 'warn' ? 'warn-soft' : 'bad-soft'];
  ctx.fill();
  ctx.strokeStyle = chosen ? palette.accent : loud ? colorOf(palette, shape) : palette.line;
  ctx.lineWidth = chosen ? 3 : loud && box.w > 20 ? 1.5 : 1;
  if (shape === 'offline' && box.w > 20 && !chosen) ctx.setLineDash([5, 4]);
  ctx.stroke();
  ctx.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Place} place
 * @param {Box} box
 */
function tile(ctx, { palette, marked }, place, box) {
  const shape = shapeOf(place);
  const color = colorOf(palette, shape);
  const loud = shape === 'offline' || shape === 'bad' || shape === 'warn';
  const chosen = marked.has(place.id);
  // Whole pixels and no paths: there are a thousand of them.
  const [x, y] = [Math.round(box.x), Math.round(box.y)];
  const [w, h] = [Math.max(2, Math.round(box.w)), Math.max(2, Math.round(box.h))];
  const edge = w > 6 ? (chosen ? 2 : 1) : 0;
  ctx.fillStyle = chosen ? palette.accent : loud ? color : palette.line;
  ctx.fillRect(x, y, w, h);
  ctx.fillStyle = loud ? palette[shape === 'warn' ? 'warn-soft' : 'bad-soft'] : palette.surface;
  if (edge) ctx.fillRect(x + edge, y + edge, w - 2 * edge, h - 2 * edge);
  const r = Math.min(w, h) * (shape === 'good' || shape === 'idle' ? 0.16 : 0.25);
  if (r > 1) glyph(ctx, shape, x + w / 2, y + h / 2, r, color);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Place} place
 * @param {Box} box
 */
function name(ctx, picture, place, box) {
  const { palette } = picture;
  const shape = shapeOf(place);
  ground(ctx, picture, place, box, 5);
  const small = box.w < 92;
  const text = box.w < 110 ? 10 : 12;
  const inset = Math.max(4, box.w * 0.06);
  const line = box.y + inset + text * 0.55;
  // Where there is no room for both, the name goes first, and the state into the corner.
  const color = colorOf(palette, shape);
  if (small) glyph(ctx, shape, box.x + box.w - 8, box.y + box.h - 8, 4, color);
  else glyph(ctx, shape, box.x + inset + 4, line, 3.5, color);
  const before = small ? 0 : 12;
  font(ctx, palette, text, 600);
  ctx.fillStyle = palette.text;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  const room = box.w - 2 * inset - before;
  ctx.fillText(fitting(ctx, place.row.name, room), box.x + inset + before, line + 0.5);
  // What runs there: a mark each, as many as have room.
  const mark = Math.max(3, Math.min(5, box.w * 0.03));
  const step = mark * 3.2;
  const across = Math.max(1, Math.floor((box.w - 2 * inset) / step));
  let top = line + text * 0.7 + mark * 1.6;
  place.parts.forEach((part, n) => {
    if (n > 0 && n % across === 0) top += step;
    if (top + mark > box.y + box.h - 3) return;
    glyph(ctx, part.tone, box.x + inset + mark + (n % across) * step, top, mark, palette[part.tone]);
  });
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Place} place
 * @param {Box} box on the screen
 * @param {Box} spot in the drawing
 */
function card(ctx, picture, place, box, spot) {
  const { palette, camera, layout } = picture;
  const { scale } = camera;
  const shape = shapeOf(place);
  const { row, parts } = place;
  ground(ctx, picture, place, box, 8 * scale);
  const x = box.x + 12 * scale;
  const room = box.w - 24 * scale;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  glyph(ctx, shape, x + 5 * scale, box.y + 19 * scale, 4.5 * scale, colorOf(palette, shape));
  font(ctx, palette, Math.max(11, 14.5 * scale), 600);
  ctx.fillStyle = palette.text;
  ctx.fillText(fitting(ctx, row.name, room - 16 * scale), x + 16 * scale, box.y + 19.5 * scale);
  font(ctx, palette, Math.max(9, 12 * scale));
  ctx.fillStyle = row.state === 'offline' ? palette.bad : palette.quiet;
  ctx.fillText(fitting(ctx, under(place), room), x, box.y + 40 * scale);
  const shown = parts.length > layout.rows ? parts.slice(0, layout.rows - 1) : parts;
  const dimmed = ctx.globalAlpha;
  shown.forEach((part, n) => {
    ctx.globalAlpha = Math.min(dimmed, picture.bright(part.id) ? 1 : DIM);
    chip(ctx, picture, part, onScreen(camera, chipBox(spot, n, CARD)));
  });
  ctx.globalAlpha = dimmed;
  if (shown.length < parts.length) {
    const rest = onScreen(camera, chipBox(spot, shown.length, CARD));
    const bad = parts.slice(shown.length).filter((each) => each.tone === 'bad').length;
    font(ctx, palette, Math.max(9, 12 * scale));
    ctx.fillStyle = bad ? palette.bad : palette.quiet;
    const more = `and ${parts.length - shown.length} more${bad ? `, ${bad} failing` : ''}`;
    ctx.fillText(more, rest.x + 8 * scale, rest.y + rest.h / 2);
  }
}

/**
 * The second line of a card: what is the matter, else what it is.
 * @param {Place} place
 */
function under({ row, parts, failing }) {
  if (row.state !== 'online') return [row.state, row.offline_reason].filter(Boolean).join(': ');
  if (row.problems?.length) return row.problems[0] ?? '';
  if (failing) return `${failing} of ${parts.length} failing`;
  const what = parts.length === 1 ? '1 microservice' : `${parts.length} microservices`;
  return [what, row.architecture].filter(Boolean).join(' · ');
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Part} part
 * @param {Box} box on the screen
 */
function chip(ctx, { palette, camera, marked }, part, box) {
  const { scale } = camera;
  const { tone, row } = part;
  const loud = tone === 'bad' || tone === 'warn';
  rounded(ctx, box, 5 * scale);
  ctx.fillStyle = loud ? palette[`${tone}-soft`] : palette.ground;
  ctx.fill();
  if (marked.has(part.id)) {
    ctx.strokeStyle = palette.accent;
    ctx.lineWidth = 2;
    ctx.stroke();
  }
  const middle = box.y + box.h / 2 + 0.5;
  glyph(ctx, tone, box.x + 11 * scale, middle - 0.5, 3.6 * scale, palette[tone]);
  // Its state in words where it is not as it should be.
  font(ctx, palette, Math.max(9, 11 * scale));
  const word = tone === 'good' ? '' : row.health === 'unhealthy' ? 'unhealthy' : row.state;
  const taken = word ? widthOf(ctx, word) + 8 * scale : 0;
  if (word) {
    ctx.fillStyle = palette[toneOf(word)];
    ctx.fillText(word, box.x + box.w - taken, middle);
  }
  font(ctx, palette, Math.max(9.5, 12.5 * scale));
  ctx.fillStyle = palette.text;
  ctx.fillText(fitting(ctx, part.name, box.w - 28 * scale - taken), box.x + 21 * scale, middle);
}
