/** Fingers, mouse and wheel on the drawing, as moves of its camera and as picks. */

/**
 * @typedef {object} Moves what is done about them; points are pixels from the upper left corner
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, point: Point) => void} zoom
 * @property {(point: Point) => void} pick
 * @property {(point: Point) => void} nearer
 * @property {(point: Point | null) => void} over null: it left
 */

/** @typedef {{x: number, y: number}} Point */

/** So many pixels are still a click. */
const STILL = 5;

/**
 * @param {HTMLElement} element
 * @param {Moves} moves
 * @param {AbortSignal} signal
 */
export function listen(element, moves, signal) {
  /** @type {Map<number, Point>} fingers that are down */
  const down = new Map();
  let travelled = 0;

  const pointOf = (/** @type {MouseEvent} */ event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointOf(event));
    if (down.size === 1) travelled = 0;
  }, { signal });

  element.addEventListener('pointermove', (event) => {
    const point = pointOf(event);
    const before = down.get(event.pointerId);
    if (!before) return moves.over(point);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, point);
    travelled += Math.hypot(point.x - before.x, point.y - before.y);
    if (other) {
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      const is = Math.hypot(point.x - other.x, point.y - other.y);
      const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
      if (was > 1 && is > 1) moves.zoom(is / was, middle);
      moves.pan((before.x - point.x) / 2, (before.y - point.y) / 2);
    } else if (travelled > STILL) {
      element.classList.add('dragged');
      moves.over(null);
      moves.pan(before.x - point.x, before.y - point.y);
    }
  }, { signal });

  const up = (/** @type {PointerEvent} */ event) => {
    const point = down.get(event.pointerId);
    down.delete(event.pointerId);
    element.classList.remove('dragged');
    if (point && event.type === 'pointerup' && travelled <= STILL && down.size === 0) moves.pick(point);
  };
  element.addEventListener('pointerup', up, { signal });
  element.addEventListener('pointercancel', up, { signal });
  element.addEventListener('pointerleave', () => moves.over(null), { signal });
  element.addEventListener('dblclick', (event) => moves.nearer(pointOf(event)), { signal });
  element.addEventListener('wheel', (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // A touchpad's pinch comes as a wheel with Ctrl, in smaller steps.
    const strength = event.ctrlKey ? 0.01 : 0.0016;
    moves.zoom(Math.exp(-event.deltaY * lines * strength), pointOf(event));
  }, { signal, passive: false });
}
