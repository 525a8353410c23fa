/**
 * The drawing itself: two canvases (the ground with what flows on it, and cards above), a camera, and one
 * loop that paints only what is not up to date. It knows nothing of the page around it.
 *
 * Canvas and not SVG: 1,000 nodes with 5,000 microservices are 20,000 elements, which no browser
 * without a GPU moves 60 times a second; painted, a frame costs a few milliseconds.
 */

import { fitted, panned, showing, zoomed } from './camera.js';
import { isBright } from './emphasis.js';
import { groupAt, thingAt } from './hit.js';
import { ratio } from './ink.js';
import { paintMinimap } from './minimap.js';
import { flown, walked } from './motion.js';
import { paintFrame, paintTitles } from './paint-frame.js';
import { paintNodes } from './paint-nodes.js';
import { FLASH, paintFlashes, paintTroubles, paintWires } from './paint-wires.js';
import { Routes } from './traffic.js';

/** @import { Flow } from '../core/types.js' */
/** @import { Camera, Size } from './camera.js' */
/** @import { Emphasis } from './emphasis.js' */
/** @import { Picture } from './ink.js' */
/** @import { Box, Layout } from './layout.js' */
/** @import { Move } from './motion.js' */
/** @import { Network } from './network.js' */
/** @import { Palette } from './palette.js' */

/**
 * @typedef {object} Scene
 * @property {Network} network
 * @property {Layout} layout
 * @property {Emphasis} said
 * @property {Map<string, Flow>} flows
 * @property {Picture['centre']} centre
 */

/** Milliseconds between two pictures of what flows: 25 in a second are enough for drops. */
const DROPS = 38;

export class Stage {
  /**
   * @param {{base: HTMLCanvasElement, cards: HTMLCanvasElement, map: HTMLCanvasElement}} canvases
   * @param {Palette} palette
   */
  constructor(canvases, palette) {
    this._canvases = canvases;
    this.palette = palette;
    /** @type {Size} */
    this.size = { w: 1, h: 1 };
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, scale: 1 };
    /** Whether all is to be seen, whatever comes: until somebody moves the camera. */
    this.fits = true;
    /** @type {Scene | null} */
    this._scene = null;
    this._routes = new Routes();
    /** @type {Map<string, Box>} where nodes are just now */
    this._boxes = new Map();
    /** @type {Move<Map<string, Box>> | null} nodes on their way */
    this._moving = null;
    /** @type {Move<Camera> | null} */
    this._flying = null;
    /** @type {Map<string, number>} when what changed did */
    this._flashes = new Map();
    this._stale = false;
    this._staleWires = false;
    this._painted = 0;
    this._asked = 0;
    /** The minimap's scale; 0 while it is hidden. */
    this.mapScale = 0;
    this._calm = matchMedia('(prefers-reduced-motion: reduce)');
  }

  /**
   * @param {Scene} scene
   * @param {boolean} rewired whether routes or nodes are other ones
   */
  show(scene, rewired) {
    const before = this._scene;
    this._scene = scene;
    if (rewired) this._routes.version += 1;
    if (before?.layout !== scene.layout) {
      if (before && !this._calm.matches) {
        this._moving = { from: this._boxes, to: scene.layout.nodes, since: performance.now() };
      }
      if (!this._moving) this._boxes = scene.layout.nodes;
      if (this.fits) this.fit(before !== null);
    }
    this.repaint();
  }

  /** Everything anew, soon. */
  repaint() {
    this._stale = true;
    this.repaintWires();
  }

  /** What moves anew, soon. */
  repaintWires() {
    this._staleWires = true;
    if (!this._asked && this._scene) this._asked = requestAnimationFrame((now) => this._frame(now));
  }

  /** @param {Size} size pixels of CSS */
  resize(size) {
    this.size = size;
    const { base, cards } = this._canvases;
    for (const canvas of [base, cards]) {
      canvas.width = Math.round(size.w * ratio());
      canvas.height = Math.round(size.h * ratio());
    }
    if (this.fits) this.fit(false);
    // At once: a canvas of another size is empty.
    this._stale = true;
    if (this._scene) this._frame(performance.now());
  }

  end() {
    cancelAnimationFrame(this._asked);
    this._asked = -1;
  }

  /** @param {Iterable<string>} ids that changed just now */
  flash(ids) {
    const now = performance.now();
    for (const id of ids) if (!this._flashes.has(id)) this._flashes.set(id, now);
    this.repaintWires();
  }

  get _margin() {
    return this.size.w < 500 ? 10 : 24;
  }

  /** @param {boolean} [flying] */
  fit(flying = true) {
    this.fits = true;
    if (this._scene) this._go(fitted(this._scene.layout.bounds, this.size, this._margin), flying);
  }

  /**
   * @param {number} dx pixels
   * @param {number} dy
   */
  pan(dx, dy) {
    if (!this._scene) return;
    this.fits = false;
    this._flying = null;
    this.camera = panned(this.camera, dx, dy, this._scene.layout.bounds, this.size);
    this.repaint();
  }

  /**
   * @param {number} factor
   * @param {{x: number, y: number}} [point] the middle unless told
   * @param {boolean} [flying]
   */
  zoom(factor, point = { x: this.size.w / 2, y: this.size.h / 2 }, flying = false) {
    this.fits = false;
    this._go(zoomed(this._flying?.to ?? this.camera, factor, point), flying);
  }

  /**
   * So that a node can be seen and read.
   * @param {string} id
   * @param {Size} [covered] pixels at the right and below
   */
  reveal(id, covered) {
    const box = this._scene?.layout.nodes.get(id);
    if (!box) return;
    const to = showing(this._flying?.to ?? this.camera, box, this.size, 40, 0.45, covered);
    if (to.x !== this.camera.x || to.y !== this.camera.y || to.scale !== this.camera.scale) this.fits = false;
    this._go(to, true);
  }

  /** @param {Box} box all of it */
  enter(box) {
    this.fits = false;
    this._go(fitted(box, this.size, this._margin), true);
  }

  /** @param {{x: number, y: number}} point of the screen */
  at(point) {
    const picture = this._picture();
    if (!picture || !this._scene) return { thing: null, group: undefined };
    const { wires } = this._routes.of(picture, this._scene.said);
    return { thing: thingAt(picture, wires, point), group: groupAt(picture, point) };
  }

  /**
   * @param {Camera} to
   * @param {boolean} flying
   */
  _go(to, flying) {
    if (flying && !this._calm.matches) {
      this._flying = { from: this.camera, to, since: performance.now() };
    } else {
      this.camera = to;
      this._flying = null;
    }
    this.repaint();
  }

  /** @returns {Picture | null} */
  _picture() {
    if (!this._scene) return null;
    const { network, layout, said, centre } = this._scene;
    return {
      network, layout, centre, boxes: this._boxes, camera: this.camera, size: this.size,
      palette: this.palette, marked: said.marked, bright: (id) => isBright(said, id),
    };
  }

  /** @param {number} now */
  _frame(now) {
    if (this._asked === -1) return;
    cancelAnimationFrame(this._asked);
    this._asked = 0;
    if (this._flying) {
      this.camera = flown(this._flying, now);
      if (this.camera === this._flying.to) this._flying = null;
      this._stale = true;
    }
    if (this._moving) {
      this._boxes = walked(this._moving, now);
      if (this._boxes === this._moving.to) this._moving = null;
      this._stale = true;
    }
    const picture = this._picture();
    if (!picture || !this._scene) return;
    if (this._stale) {
      this._stale = false;
      const cards = contextOf(this._canvases.cards);
      cards.clearRect(0, 0, this.size.w, this.size.h);
      paintNodes(cards, picture);
      paintTroubles(cards, picture, this._traffic(picture, this._scene, now));
      paintTitles(cards, picture);
      this.mapScale = paintMinimap(this._canvases.map, picture);
      this._staleWires = true;
    }
    let moves = this._painted > 0;
    if (this._staleWires || now - this._painted >= DROPS) moves = this._paintWires(picture, this._scene, now);
    this._painted = moves ? this._painted : 0;
    if (moves || this._moving || this._flying || this._flashes.size) {
      this._asked ||= requestAnimationFrame((next) => this._frame(next));
    }
  }

  /**
   * @param {Picture} picture
   * @param {Scene} scene
   * @param {number} now
   * @returns {boolean} whether something moves
   */
  _paintWires(picture, scene, now) {
    this._staleWires = false;
    this._painted = now;
    const ctx = contextOf(this._canvases.base, false);
    paintFrame(ctx, picture);
    const moves = paintWires(ctx, picture, this._traffic(picture, scene, now));
    /** @type {[Box, number][]} */
    const rings = [];
    for (const [id, since] of this._flashes) {
      const box = this._boxes.get(id) ?? this._boxes.get(scene.network.parts.get(id)?.row.node_id ?? '');
      const passed = (now - since) / FLASH;
      if (passed >= 1) this._flashes.delete(id);
      else if (box) rings.push([box, Math.max(0, passed)]);
    }
    paintFlashes(ctx, picture, rings, this._calm.matches);
    return moves;
  }

  /**
   * @param {Picture} picture
   * @param {Scene} scene
   * @param {number} now
   */
  _traffic(picture, { said, flows }, now) {
    return {
      ...this._routes.of(picture, said),
      flows,
      loud: (/** @type {string} */ id) => said.routes.has(id) || said.marked.has(id),
      faint: () => said.near !== null || said.matches !== null,
      clock: this._calm.matches ? 0 : now,
    };
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {boolean} [alpha] whether what is beneath it is seen
 */
function contextOf(canvas, alpha = true) {
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha }));
  ctx.setTransform(ratio(), 0, 0, ratio(), 0, 0);
  return ctx;
}
