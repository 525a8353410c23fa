/** What nodes stand in: the ground, groups with their counts, the centre and what leads from it. */

import { overlap, seen } from './camera.js';
import { fitting, font, glyph, onScreen, rounded, widthOf } from './ink.js';
import { colorOf, shapeOf } from './paint-nodes.js';

/** @import { Picture, Shape } from './ink.js' */
/** @import { Box, GroupBox } from './layout.js' */

/** What is counted in a group's header: the worst first. */
const COUNTED = /** @type {const} */ (['offline', 'bad', 'warn', 'busy']);

/** Pixels: a centre less high has its name alone. */
const SMALL = 30;

/**
 * What is beneath the routes.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 */
export function paintFrame(ctx, picture) {
  const { camera, size, layout, palette } = picture;
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.sunken;
  ctx.fillRect(0, 0, size.w, size.h);
  trunks(ctx, picture);
  const view = seen(camera, size);
  for (const box of layout.groups) {
    if (box.header > 0 && overlap(box, view)) group(ctx, picture, box);
  }
}

/**
 * What is above the routes.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 */
export function paintTitles(ctx, picture) {
  const view = seen(picture.camera, picture.size);
  for (const box of picture.layout.groups) {
    if (box.header > 0 && overlap(box, view)) title(ctx, picture, box);
  }
  centre(ctx, picture);
}

/**
 * From the centre to each group.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 */
function trunks(ctx, { camera, layout, palette, centre: said }) {
  const from = onScreen(camera, said.router ? layout.centre.router : layout.centre.controller);
  ctx.strokeStyle = palette.line;
  ctx.lineWidth = Math.max(1, Math.min(2, 2 * layout.large * camera.scale));
  ctx.beginPath();
  for (const each of layout.groups) {
    const to = onScreen(camera, each);
    const x0 = from.x + from.w / 2;
    const y0 = from.y + from.h;
    const half = (to.y - y0) / 2;
    const x1 = to.x + to.w / 2;
    // Only to those in the first line: the others stand behind them.
    if (each.y - (layout.groups[0]?.y ?? 0) > 1) continue;
    ctx.moveTo(x0, y0);
    ctx.bezierCurveTo(x0, y0 + half, x1, to.y - half, x1, to.y);
  }
  ctx.stroke();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {GroupBox} place
 */
function group(ctx, picture, place) {
  const { camera, palette } = picture;
  const box = onScreen(camera, place);
  rounded(ctx, box, Math.min(12, 14 * camera.scale * picture.layout.large));
  ctx.fillStyle = palette.ground;
  ctx.fill();
  ctx.strokeStyle = picture.marked.has(`group/${place.key}`) ? palette.accent : palette.line;
  ctx.lineWidth = 1;
  ctx.stroke();
}

/**
 * A group's name, how many nodes it has, and how many of them are not fine.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {GroupBox} place
 */
function title(ctx, { camera, palette, network }, place) {
  const box = onScreen(camera, place);
  const header = place.header * camera.scale;
  const text = Math.max(10, Math.min(17, header * 0.6));
  if (header < 7) return;
  /** @type {Map<Shape, number>} */
  const counts = new Map();
  for (const id of place.nodes) {
    const found = network.places.get(id);
    if (found) counts.set(shapeOf(found), (counts.get(shapeOf(found)) ?? 0) + 1);
  }
  const line = box.y + Math.max(text * 0.9, header - text * 0.9);
  const edge = Math.min(16, Math.max(6, header * 0.5));
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  // Counts from the right; the name gets what is left.
  let right = box.x + box.w - edge;
  font(ctx, palette, text - 1, 600);
  for (const shape of [...COUNTED].reverse()) {
    const number = counts.get(shape);
    if (!number) continue;
    const words = String(number);
    const width = widthOf(ctx, words) + text * 1.15;
    if (right - width < box.x + box.w * 0.35) break;
    ctx.fillStyle = colorOf(palette, shape);
    ctx.fillText(words, right - widthOf(ctx, words), line);
    glyph(ctx, shape, right - width + text * 0.35, line - 0.5, text * 0.3, colorOf(palette, shape));
    right -= width + text * 0.55;
  }
  const room = right - box.x - edge;
  font(ctx, palette, text, 650);
  const name = fitting(ctx, place.title, room);
  ctx.fillStyle = palette.text;
  ctx.fillText(name, box.x + edge, line);
  const after = box.x + edge + widthOf(ctx, name) + text * 0.5;
  font(ctx, palette, text - 2);
  const total = String(place.nodes.length);
  ctx.fillStyle = palette.quiet;
  if (after + widthOf(ctx, total) < right) ctx.fillText(total, after, line);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 */
function centre(ctx, picture) {
  const { camera, layout, palette, centre: said, marked } = picture;
  const { controller, router, upstream } = layout.centre;
  const small = controller.h * camera.scale < SMALL;
  const stops = [
    { ref: 'controller', place: controller, title: 'Controller', word: said.controller, shape: 'good' },
    { ref: 'router', place: router, title: small ? 'Router' : 'Interior router', word: said.router, shape: said.routerTone },
    { ref: 'upstream', place: upstream, title: 'Upstream', word: said.upstream, shape: 'idle' },
  ].filter((each) => each.ref !== 'router' || said.router);
  ctx.strokeStyle = palette['line-strong'];
  ctx.lineWidth = Math.max(1, Math.min(2, 2 * layout.large * camera.scale));
  const from = onScreen(camera, controller);
  const to = onScreen(camera, upstream);
  ctx.beginPath();
  ctx.moveTo(from.x + from.w, from.y + from.h / 2);
  ctx.lineTo(to.x, to.y + to.h / 2);
  ctx.stroke();
  for (const { ref, place, title, word, shape } of stops) {
    const box = onScreen(camera, place);
    stop(ctx, picture, box, marked.has(ref), title, word, /** @type {Shape} */ (shape));
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Picture} picture
 * @param {Box} box on the screen
 * @param {boolean} chosen
 * @param {string} title
 * @param {string} word
 * @param {Shape} shape
 */
function stop(ctx, { palette }, box, chosen, title, word, shape) {
  rounded(ctx, box, box.h * 0.2);
  ctx.fillStyle = palette.surface;
  ctx.fill();
  ctx.strokeStyle = chosen ? palette.accent : palette['line-strong'];
  ctx.lineWidth = chosen ? 3 : 1;
  ctx.stroke();
  const text = Math.min(18, box.h * 0.26);
  const inset = Math.min(box.h * 0.22, 8 + box.h * 0.05);
  if (box.h < 16) return;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  const small = box.h < SMALL;
  font(ctx, palette, small ? Math.max(9, box.h * 0.4) : text, 650);
  ctx.fillStyle = palette.text;
  const room = box.w - 2 * inset;
  const line = small ? box.y + box.h / 2 + 0.5 : box.y + box.h * 0.36;
  ctx.fillText(fitting(ctx, title, room), box.x + inset, line);
  if (small) {
    // A word has no room; that something is wrong has.
    if (shape === 'good' || shape === 'idle') return;
    return glyph(ctx, shape, box.x + box.w - inset, box.y + inset, 3.5, colorOf(palette, shape));
  }
  const under = box.y + box.h * 0.68;
  glyph(ctx, shape, box.x + inset + text * 0.3, under, text * 0.28, colorOf(palette, shape));
  font(ctx, palette, text * 0.86);
  ctx.fillStyle = palette.quiet;
  ctx.fillText(fitting(ctx, word, room - text), box.x + inset + text * 0.95, under + 0.5);
}
