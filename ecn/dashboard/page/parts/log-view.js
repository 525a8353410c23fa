/**
 * Where the lines of a log stand: a bounded number of them, in pieces that a browser lays out only
 * where one looks. It follows the end as long as one is at the end.
 */

import { pieces } from './lines.js';

/** @import { Line } from './lines.js' */

/** Lines that are kept; older ones leave. */
export const MOST = 5000;
/** Lines of a piece. */
const PIECE = 100;

export class LogView {
  /** @param {HTMLElement} place that scrolls */
  constructor(place) {
    this._place = place;
    /** @type {Line[]} */
    this.lines = [];
    this._search = '';
    this._only = false;
    /** How many of the lines have what is looked for. */
    this.found = 0;
    /** @type {HTMLElement | undefined} the last one */
    this._piece = undefined;
    /** Whether one looks at the end, and wants to see what comes. */
    this.atEnd = true;
    this._top = 0;
  }

  /** How many came before those that are here. */
  get left() {
    return (this.lines[0]?.number ?? 1) - 1;
  }

  /** Somebody scrolled, or the browser did because heights became known: only upwards leaves the end. */
  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this._place;
    const isEnd = scrollTop + clientHeight >= scrollHeight - 24;
    if (isEnd || scrollTop < this._top - 2) this.atEnd = isEnd;
    this._top = scrollTop;
  }

  /** @param {number} [again] how often the end may turn out to be further down, once it is laid out */
  toEnd(again = 3) {
    this.atEnd = true;
    this._place.scrollTop = this._place.scrollHeight;
    this._top = this._place.scrollTop;
    if (again) requestAnimationFrame(() => this.atEnd && this.toEnd(again - 1));
  }

  /** @param {readonly Line[]} lines newer than all before */
  add(lines) {
    // Of what would leave at once nothing is drawn.
    const kept = lines.slice(-MOST);
    this.lines.push(...kept);
    this._append(kept);
    const over = this.lines.length - MOST;
    if (over >= PIECE) this._leave(over - (over % PIECE));
    if (this.atEnd) this.toEnd();
  }

  clear() {
    this.lines = [];
    this.atEnd = true;
    this._draw();
  }

  /**
   * @param {string} text to mark; '' for nothing
   * @param {boolean} only show nothing but lines that have it
   */
  search(text, only) {
    if (text === this._search && only === this._only) return;
    this._search = text;
    this._only = only;
    this._draw();
    if (this.atEnd) this.toEnd();
    else if (text) this._place.querySelector('mark')?.scrollIntoView({ block: 'center' });
  }

  _draw() {
    this._place.replaceChildren();
    this._piece = undefined;
    this.found = 0;
    this._append(this.lines);
  }

  /** @param {number} count of the oldest */
  _leave(count) {
    const first = this.lines[count]?.number ?? Infinity;
    for (const each of this.lines.splice(0, count)) this.found -= this._has(each) ? 1 : 0;
    const before = this._place.scrollHeight;
    for (let piece = this._place.firstElementChild; piece; piece = this._place.firstElementChild) {
      if (Number(/** @type {HTMLElement} */ (piece).dataset['last']) >= first) break;
      piece.remove();
    }
    // Whoever reads something in the middle keeps it before the eyes.
    if (!this.atEnd) this._place.scrollTop -= before - this._place.scrollHeight;
    this._top = this._place.scrollTop;
  }

  /** @param {Line} line */
  _has(line) {
    return this._search !== '' && line.text.toLowerCase().includes(this._search.toLowerCase());
  }

  /** @param {readonly Line[]} lines */
  _append(lines) {
    for (const line of lines) {
      const has = this._has(line);
      if (has) this.found += 1;
      if (this._only && this._search && !has) continue;
      if (!this._piece || this._piece.childElementCount >= PIECE) {
        this._piece = document.createElement('div');
        this._piece.className = 'log-piece';
        this._place.append(this._piece);
      }
      this._piece.dataset['last'] = String(line.number);
      this._piece.append(drawn(line, has ? this._search : ''));
    }
  }
}

/**
 * @param {Line} line
 * @param {string} marked
 */
function drawn(line, marked) {
  const row = document.createElement('div');
  row.className = line.time ? 'log-line' : 'log-line said-by-agent';
  const time = document.createElement('time');
  time.textContent = line.time ? clock(line.time) : '';
  if (line.time) time.title = line.time;
  const text = document.createElement('span');
  if (!marked) text.textContent = line.text;
  else {
    pieces(line.text, marked).forEach((each, index) => {
      if (index % 2 === 0) return text.append(each);
      const mark = document.createElement('mark');
      mark.textContent = each;
      text.append(mark);
    });
  }
  row.append(time, text);
  return row;
}

/** @param {string} time RFC 3339 with nanoseconds */
function clock(time) {
  const date = new Date(time.replace(/(\.\d{3})\d*Z$/, '$1Z'));
  /** @param {number} part @param {number} [width] */
  const two = (part, width = 2) => String(part).padStart(width, '0');
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}
