/** The whole network in a corner: where one looks, and where something is wrong. */

import { glyph, ratio } from './ink.js';
import { colorOf, shapeOf } from './paint-nodes.js';
import { seen } from './camera.js';

/** @import { Picture } from './ink.js' */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 * @returns {number} its scale; 0 where all is seen anyway, and there is nothing to show
 */
export function paintMinimap(canvas, picture) {
  const { layout, palette, camera, size, network, boxes } = picture;
  const { bounds } = layout;
  const view = seen(camera, size);
  const all = view.x <= bounds.x + bounds.w * 0.02 && view.y <= bounds.y + bounds.h * 0.02 &&
    view.x + view.w >= bounds.x + bounds.w * 0.98 && view.y + view.h >= bounds.y + bounds.h * 0.98;
  canvas.hidden = all || size.w < 600;
  if (canvas.hidden) return 0;
  const dots = ratio();
  const { clientWidth: w, clientHeight: h } = canvas;
  if (canvas.width !== Math.round(w * dots)) {
    canvas.width = Math.round(w * dots);
    canvas.height = Math.round(h * dots);
  }
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  ctx.setTransform(dots, 0, 0, dots, 0, 0);
  ctx.fillStyle = palette.surface;
  ctx.fillRect(0, 0, w, h);
  const scale = Math.min((w - 12) / bounds.w, (h - 12) / bounds.h);
  const left = (w - bounds.w * scale) / 2 - bounds.x * scale;
  const top = (h - bounds.h * scale) / 2 - bounds.y * scale;
  ctx.fillStyle = palette['idle-soft'];
  for (const each of [...layout.groups, ...Object.values(layout.centre)]) {
    ctx.fillRect(left + each.x * scale, top + each.y * scale, each.w * scale, each.h * scale);
  }
  for (const [id, box] of boxes) {
    const place = network.places.get(id);
    if (!place) continue;
    const shape = shapeOf(place);
    if (shape === 'good' || shape === 'idle') continue;
    const x = left + (box.x + box.w / 2) * scale;
    const y = top + (box.y + box.h / 2) * scale;
    glyph(ctx, shape, x, y, 2, colorOf(palette, shape));
  }
  ctx.strokeStyle = palette.accent;
  ctx.lineWidth = 1.5;
  ctx.strokeRect(left + view.x * scale, top + view.y * scale, view.w * scale, view.h * scale);
  return scale;
}
