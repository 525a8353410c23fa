/**
 * Rows in a table, a handful or thousands: for every view that lists something.
 *
 * Sorted by its headings, which the URL remembers. Of many rows only those that one looks at are in the
 * page, so that a drawing costs the same for 50 and for 5,000. Columns have fixed widths: nothing moves
 * when rows change or scroll.
 */

import { html, ifDefined, nothing, render, repeat } from '../core/html.js';
import { inOrderOf, nextSort, readSort, sameThings, seenRows, sorted } from './order.js';

/** @import { App } from '../core/app.js' */
/** @import { SortKey } from './order.js' */

/**
 * @template R
 * @typedef {object} Column
 * @property {string} key in the URL: `sort=key`
 * @property {string} title
 * @property {boolean} [number] to the right, and the greatest first
 * @property {(row: R) => SortKey} [sort] by what; without it the column can't be sorted by
 * @property {(row: R) => unknown} cell what lit can render
 * @property {number} [width] rem, 8 unless told; what is left over is shared in proportion
 * @property {boolean} [wrap] more than one line where needed; only of tables with few rows
 */

/**
 * @template R
 * @typedef {object} Table
 * @property {string} caption read aloud: what is listed
 * @property {readonly Column<R>[]} columns the first one names the row, and stays in sight
 * @property {readonly R[]} rows
 * @property {(row: R) => string} key
 * @property {unknown} [empty] instead of a table without rows
 * @property {string} [sort] the usual one: `name`, `-since`; without: as given
 * @property {string} [param] of the URL, for a view with several tables; `sort` unless told
 * @property {(row: R) => string} [href] where a click on a row leads; the first cell has the link itself
 */

/** More rows than these are drawn only where one looks. */
const ALL = 60;
const ROW = 41;
/** Pixels: below the box, and of a box that stands deep in a page. */
const BELOW = 25;
const LEAST = 420;

/**
 * @template R
 * @param {App} app
 * @param {Table<R>} table
 */
export const table = (app, table) => html`<ecn-table .input=${{ app, table }}></ecn-table>`;

class TableElement extends HTMLElement {
  constructor() {
    super();
    /** @type {{app: App, table: Table<any>} | null} */
    this._input = null;
    /** @type {{rows: readonly any[], how: string, stamp: string, result: readonly any[]} | null} */
    this._sorted = null;
    /** @type {readonly Column<any>[]} whose widths are set */
    this._measured = [];
    this._row = ROW;
    this._asked = false;
    /** @type {string | null} the row whose link is to be focused when it is drawn */
    this._focus = null;
  }

  /** @param {{app: App, table: Table<any>}} input */
  set input(input) {
    this._input = input;
    this._draw();
  }

  _draw() {
    if (!this._input) return;
    const { app, table } = this._input;
    if (!table.rows.length && table.empty) {
      this._measured = [];
      render(table.empty, this);
      return;
    }
    const usual = table.sort ?? '';
    const sort = readSort(app.location.query.get(table.param ?? 'sort') ?? usual);
    const rows = this._ordered(app, table, sort);
    const many = rows.length > ALL;
    const box = this.querySelector('.table-box');
    const { from, to } = !many ? { from: 0, to: rows.length } : seenRows(rows.length, {
      top: box?.scrollTop ?? 0, height: box?.clientHeight || 900, row: this._row,
    });
    render(html`
      <div class="table-box scrolls ${many ? 'many' : ''}" tabindex=${many ? '0' : nothing}
        role=${many ? 'region' : nothing} aria-label=${many ? table.caption : nothing}
        @scroll=${many ? () => this._again() : null}>
        <table class="list" aria-rowcount=${many ? rows.length + 1 : nothing}
          @keydown=${(/** @type {KeyboardEvent} */ event) => this._pressed(event, rows)}
          @click=${(/** @type {MouseEvent} */ event) => this._clicked(event)}
          @mouseover=${whole}>
          <caption class="only-read-aloud">${table.caption}</caption>
          <colgroup>${table.columns.map(() => html`<col>`)}</colgroup>
          <thead><tr>${table.columns.map((column) => this._heading(app, table, column, sort))}</tr></thead>
          <tbody>
            <tr class="space" aria-hidden="true"></tr>
            ${repeat(rows.slice(from, to), table.key, (row, index) => html`
              <tr data-key=${table.key(row)} data-href=${ifDefined(table.href?.(row))}
                aria-rowindex=${many ? from + index + 2 : nothing}>
                ${table.columns.map((column) => html`<td class=${
                  `${column.number ? 'number' : ''} ${column.wrap ? 'wrap' : ''}`
                }>${column.cell(row)}</td>`)}
              </tr>`)}
            <tr class="space" aria-hidden="true"></tr>
          </tbody>
        </table>
      </div>`, this);
    this._settle(table, rows.length, from, rows.length - to);
  }

  /**
   * Only when there is something new: sorting thousands costs more than drawing what is seen.
   * @param {App} app
   * @param {Table<any>} table
   * @param {{key: string, down: boolean}} sort
   * @returns {readonly any[]}
   */
  _ordered(app, table, sort) {
    const by = table.columns.find((each) => each.key === sort.key)?.sort;
    if (!by) return table.rows;
    const how = `${sort.down}${sort.key}`;
    const stamp = `${app.model.version}/${app.model.heard}`;
    const known = this._sorted?.how === how ? this._sorted : null;
    if (known?.stamp === stamp && sameThings(known.rows, table.rows)) return known.result;
    const start = known ? inOrderOf(known.result, table.rows, table.key) : table.rows;
    const result = sorted(start, by, sort.down);
    this._sorted = { rows: table.rows, how, stamp, result };
    return result;
  }

  /**
   * @param {App} app
   * @param {Table<any>} table
   * @param {Column<any>} column
   * @param {{key: string, down: boolean}} sort
   */
  _heading(app, table, column, sort) {
    const is = sort.key === column.key;
    const direction = is ? (sort.down ? 'descending' : 'ascending') : nothing;
    const press = () => app.location.set({
      [table.param ?? 'sort']: nextSort(column.key, column.number ?? false, sort, table.sort ?? ''),
    });
    return html`<th scope="col" class=${column.number ? 'number' : ''} aria-sort=${direction}>
      ${column.sort
        ? html`<button type="button" class="plain sort ${is ? (sort.down ? 'down' : 'up') : ''}"
            @click=${press}>${column.title}</button>`
        : column.title}</th>`;
  }

  /**
   * What templates must not say: widths of columns, and the room of the rows that are not drawn.
   * @param {Table<any>} table
   * @param {number} rows
   * @param {number} above of them
   * @param {number} below
   */
  _settle(table, rows, above, below) {
    const drawn = /** @type {HTMLElement} */ (this.querySelector('table'));
    if (!sameThings(this._measured.map((each) => each.width), table.columns.map((each) => each.width)) ||
        !this._measured.length) {
      this._measured = table.columns;
      const widths = table.columns.map((each) => each.width ?? 8);
      drawn.querySelectorAll('col').forEach((col, index) =>
        col.style.setProperty('--width', `${widths[index]}rem`));
      drawn.style.minWidth = `${widths.reduce((sum, each) => sum + each, 0)}rem`;
    }
    const [first, last] = /** @type {NodeListOf<HTMLElement>} */ (drawn.querySelectorAll('tr.space'));
    const real = /** @type {HTMLElement | null} */ (drawn.querySelector('tr[data-key]'));
    if (rows > ALL) this._fit();
    if (above || below) this._row = real?.offsetHeight || this._row;
    put(first, above * this._row);
    put(last, below * this._row);
    if (this._focus !== null) {
      this._link(this._focus)?.focus();
      this._focus = null;
    }
  }

  /** The box of many rows ends where the window does, so that the page need not scroll too. */
  _fit() {
    const box = /** @type {HTMLElement} */ (this.querySelector('.table-box'));
    const top = box.getBoundingClientRect().top + scrollY;
    const below = (document.querySelector('.time-bar')?.clientHeight ?? 0) + BELOW;
    const height = `${Math.max(LEAST, innerHeight - top - below)}px`;
    if (box.style.height !== height) box.style.height = height;
  }

  /** Scrolled: draw what is seen now, once in a frame. */
  _again() {
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      this._draw();
    });
  }

  /**
   * @param {string} key
   * @returns {HTMLElement | null}
   */
  _link(key) {
    return this.querySelector(`tr[data-key="${CSS.escape(key)}"] :is(a, button)`);
  }

  /**
   * Arrow keys go from row to row, also to those that are not drawn yet.
   * @param {KeyboardEvent} event
   * @param {readonly any[]} rows
   */
  _pressed(event, rows) {
    const row = /** @type {HTMLElement} */ (event.target).closest('tr');
    const key = row?.dataset.key;
    if (!this._input || key === undefined || event.target instanceof HTMLInputElement) return;
    const { table } = this._input;
    const index = rows.findIndex((each) => table.key(each) === key);
    const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next === undefined || next < 0 || next >= rows.length) return;
    event.preventDefault();
    const wanted = table.key(rows[next]);
    const there = this._link(wanted);
    if (there) {
      there.focus();
      return;
    }
    this._focus = wanted;
    const box = this.querySelector('.table-box');
    if (box) box.scrollTop = (next - 3) * this._row;
    this._draw();
  }

  /**
   * A row leads where its link does, unless something else was meant.
   * @param {MouseEvent} event
   */
  _clicked(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const href = target.closest('tr')?.dataset.href;
    const other = target.closest('a, button, input, select, summary');
    if (!href || other || event.defaultPrevented || String(getSelection())) return;
    if (event.metaKey || event.ctrlKey) open(href, '_blank', 'noopener');
    else this._input?.app.location.go(href);
  }
}

/**
 * @param {HTMLElement | undefined} space
 * @param {number} height pixels
 */
function put(space, height) {
  if (!space) return;
  const text = `${height}px`;
  if (space.style.height !== text) space.style.height = text;
  space.hidden = height === 0;
}

/**
 * What does not fit its cell is said on hover.
 * @param {MouseEvent} event
 */
function whole(event) {
  const cell = /** @type {HTMLElement} */ (event.target).closest('td');
  if (!cell) return;
  const cut = cell.scrollWidth > cell.clientWidth;
  if (cut) cell.title = cell.textContent?.trim().replace(/\s+/g, ' ') ?? '';
  else cell.removeAttribute('title');
}

customElements.define('ecn-table', TableElement);
