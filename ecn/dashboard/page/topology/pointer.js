/** What a pointer rests on: it is told in a tip, and stands out after a moment. */

import { render } from '../core/html.js';

/** @import { Thing } from './emphasis.js' */
/** @import { Box } from './layout.js' */
/** @import { Stage } from './stage.js' */

/** Milliseconds before the rest is dimmed: who crosses the drawing does not want it to flicker. */
const REST = 140;

export class Pointer {
  /**
   * @param {Stage} stage
   * @param {HTMLElement} ground
   * @param {HTMLElement} tip
   * @param {{words: (thing: Thing) => unknown, rested: () => void}} asks words: what lit can render
   */
  constructor(stage, ground, tip, asks) {
    this._stage = stage;
    this._ground = ground;
    this._tip = tip;
    this._asks = asks;
    /** @type {Thing | null} what it rests on */
    this.over = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._rests = undefined;
  }

  /** @param {{x: number, y: number} | null} point null: it left */
  at(point) {
    const thing = point ? this._stage.at(point).thing : null;
    this._ground.classList.toggle('points', thing !== null);
    this._tip.hidden = thing === null;
    if (thing && point) {
      render(this._asks.words(thing), this._tip);
      this._place(point);
    }
    clearTimeout(this._rests);
    if (thing?.id === this.over?.id) return;
    this._rests = setTimeout(() => {
      this.over = thing;
      this._asks.rested();
    }, REST);
  }

  /** @param {{x: number, y: number}} point */
  _place(point) {
    const { w, h } = this._stage.size;
    const { offsetWidth: wide, offsetHeight: tall } = this._tip;
    const left = point.x + 16 + wide > w ? point.x - wide - 12 : point.x + 16;
    const top = point.y + 16 + tall > h ? point.y - tall - 8 : point.y + 16;
    this._tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }
}

/**
 * To where somebody points on the minimap.
 * @param {Stage} stage
 * @param {Box} bounds
 * @param {PointerEvent} event
 */
export function jumpTo(stage, bounds, event) {
  const map = /** @type {HTMLElement} */ (event.currentTarget);
  const { camera, size, mapScale } = stage;
  if (!mapScale) return;
  const x = (event.offsetX - map.clientWidth / 2) / mapScale + bounds.x + bounds.w / 2;
  const y = (event.offsetY - map.clientHeight / 2) / mapScale + bounds.y + bounds.h / 2;
  stage.pan((x - camera.x) * camera.scale - size.w / 2, (y - camera.y) * camera.scale - size.h / 2);
}
