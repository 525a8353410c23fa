/** The strokes that all of the drawing is made of: shapes of states, round boxes, text that fits. */

/** @import { Tone } from '../parts/tone.js' */
/** @import { Box, Layout } from './layout.js' */
/** @import { Camera, Size } from './camera.js' */
/** @import { Network } from './network.js' */
/** @import { Palette } from './palette.js' */

/**
 * What is to be drawn, and how it stands out.
 * @typedef {object} Picture
 * @property {Network} network
 * @property {Layout} layout
 * @property {Map<string, Box>} boxes where the nodes are just now: on their way, after a change
 * @property {Camera} camera
 * @property {Size} size
 * @property {Palette} palette
 * @property {(id: string) => boolean} bright whether a node or microservice is not dimmed
 * @property {Set<string>} marked ids that are selected, pointed at or active
 * @property {{controller: string, router: string, routerTone: Tone, upstream: string}} centre what is
 *     said of the centre; router '': there is none
 */

/** @typedef {Tone | 'offline'} Shape of a state; that of a node that is not heard of is its own */

/** How faint is what does not stand out. */
export const DIM = 0.28;

/**
 * A box of the drawing on the screen.
 * @param {Camera} camera
 * @param {Box} box
 * @returns {Box}
 */
export const onScreen = ({ x, y, scale }, box) =>
  ({ x: (box.x - x) * scale, y: (box.y - y) * scale, w: box.w * scale, h: box.h * scale });

/** @type {Map<string, {picture: ImageBitmap, half: number}>} shapes that were drawn before */
const stamps = new Map();
const MOST_STAMPS = 400;

/** Pixels of the screen for one of CSS. */
export const ratio = () => Math.min(2, devicePixelRatio || 1);

/**
 * The shape that goes with a state, as in the badges: it does not need its colour. Thousands of them
 * are in one picture, so each is drawn once and stamped from then on, onto whole pixels.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Shape} shape
 * @param {number} x its middle
 * @param {number} y
 * @param {number} r
 * @param {string} color
 */
export function glyph(ctx, shape, x, y, r, color) {
  const dots = ratio();
  const size = Math.round(r * 4) / 4;
  const key = `${shape} ${size} ${color} ${dots}`;
  let stamp = stamps.get(key);
  if (!stamp) {
    const half = Math.ceil((size * 1.3 + 2) * dots);
    const canvas = new OffscreenCanvas(2 * half, 2 * half);
    const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    draw(pen, shape, half, half, size * dots, color);
    stamp = { picture: canvas.transferToImageBitmap(), half };
    if (stamps.size > MOST_STAMPS) stamps.clear();
    stamps.set(key, stamp);
  }
  const { picture, half } = stamp;
  const [left, top] = [Math.round(x * dots) - half, Math.round(y * dots) - half];
  ctx.drawImage(picture, left / dots, top / dots, (2 * half) / dots, (2 * half) / dots);
}

/**
 * @param {OffscreenCanvasRenderingContext2D} ctx
 * @param {Shape} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {string} color
 */
function draw(ctx, shape, x, y, r, color) {
  ctx.fillStyle = color;
  ctx.strokeStyle = color;
  ctx.lineWidth = Math.max(1, r * 0.45);
  ctx.beginPath();
  switch (shape) {
    case 'good':
      ctx.arc(x, y, r, 0, 2 * Math.PI);
      return ctx.fill();
    case 'busy':
      ctx.arc(x, y, r * 0.85, 0.4, 1.6 * Math.PI);
      return ctx.stroke();
    case 'warn':
      ctx.moveTo(x, y - r * 1.1);
      ctx.lineTo(x + r * 1.15, y + r * 0.9);
      ctx.lineTo(x - r * 1.15, y + r * 0.9);
      return ctx.fill();
    case 'bad':
      ctx.moveTo(x, y - r * 1.25);
      ctx.lineTo(x + r * 1.25, y);
      ctx.lineTo(x, y + r * 1.25);
      ctx.lineTo(x - r * 1.25, y);
      return ctx.fill();
    case 'offline':
      ctx.lineWidth = Math.max(1.5, r * 0.55);
      ctx.moveTo(x - r, y - r);
      ctx.lineTo(x + r, y + r);
      ctx.moveTo(x + r, y - r);
      ctx.lineTo(x - r, y + r);
      return ctx.stroke();
    default:
      ctx.arc(x, y, r * 0.8, 0, 2 * Math.PI);
      return ctx.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Box} box
 * @param {number} radius
 */
export function rounded(ctx, box, radius) {
  ctx.beginPath();
  ctx.roundRect(box.x, box.y, box.w, box.h, radius);
}

/** @type {Map<string, Map<string, number>>} by font and text: measuring costs more than drawing */
const widths = new Map();
const MOST_KNOWN = 20000;

/**
 * Sets a font of whole pixels: each other size would be made anew, glyph by glyph.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Palette} palette
 * @param {number} pixels
 * @param {number} [weight]
 */
export function font(ctx, palette, pixels, weight = 400) {
  const wanted = `${weight} ${Math.max(8, Math.round(pixels))}px ${palette.font}`;
  if (ctx.font !== wanted) ctx.font = wanted;
}

/**
 * @param {CanvasRenderingContext2D} ctx with its font set
 * @param {string} text
 */
export function widthOf(ctx, text) {
  let known = widths.get(ctx.font);
  if (!known) widths.set(ctx.font, known = new Map());
  let width = known.get(text);
  if (width === undefined) {
    width = ctx.measureText(text).width;
    if (known.size > MOST_KNOWN) known.clear();
    known.set(text, width);
  }
  return width;
}

/**
 * A text, cut short with an ellipsis where it is too long.
 * @param {CanvasRenderingContext2D} ctx with its font set
 * @param {string} text
 * @param {number} most pixels
 */
export function fitting(ctx, text, most) {
  const width = widthOf(ctx, text);
  if (width <= most) return text;
  let letters = Math.floor((text.length * most) / width);
  while (letters > 0 && widthOf(ctx, `${text.slice(0, letters)}…`) > most) letters -= 1;
  return letters > 0 ? `${text.slice(0, letters)}…` : '';
}
