/** The order of a table's rows. Pure: for parts/table.js. */

/** @typedef {string | number | undefined | null} SortKey */

const words = new Intl.Collator(undefined, { numeric: true });

/**
 * Nothing goes last in both directions: what is not known is not what one looks for.
 * @param {SortKey} a
 * @param {SortKey} b
 * @param {boolean} down
 * @returns {number}
 */
export function compared(a, b, down) {
  const nothingA = a === undefined || a === null || a === '';
  const nothingB = b === undefined || b === null || b === '';
  if (nothingA || nothingB) return Number(nothingA) - Number(nothingB);
  const order = typeof a === 'number' && typeof b === 'number' ? a - b
    : words.compare(String(a), String(b));
  return down ? -order : order;
}

/**
 * @template R
 * @param {readonly R[]} rows
 * @param {(row: R) => SortKey} by asked once of each
 * @param {boolean} down
 * @returns {R[]} a new one; what is equal stays as it was given
 */
export function sorted(rows, by, down) {
  return rows.map((row) => ({ row, key: by(row) }))
    .sort((a, b) => compared(a.key, b.key, down))
    .map(({ row }) => row);
}

/**
 * Rows as they stood before, new ones last: what is nearly sorted is sorted much faster, and equal rows
 * stay where they are.
 * @template R
 * @param {readonly R[]} before
 * @param {readonly R[]} rows as they are now, in any order
 * @param {(row: R) => string} key
 * @returns {R[]} each of `rows` once
 */
export function inOrderOf(before, rows, key) {
  const now = new Map(rows.map((row) => [key(row), row]));
  /** @type {R[]} */
  const ordered = [];
  for (const each of before) {
    const id = key(each);
    const row = now.get(id);
    if (row === undefined) continue;
    ordered.push(row);
    now.delete(id);
  }
  ordered.push(...now.values());
  return ordered;
}

/**
 * A sort as the URL has it: `name`, or `-name` for downwards.
 * @param {string} text
 * @returns {{key: string, down: boolean}}
 */
export const readSort = (text) =>
  text.startsWith('-') ? { key: text.slice(1), down: true } : { key: text, down: false };

/**
 * What a press on a heading leads to: its own direction, the other one, and then as it was.
 * @param {string} key of the heading
 * @param {boolean} downFirst
 * @param {{key: string, down: boolean}} current
 * @param {string} usual the sort of a URL that says nothing
 * @returns {string | null} null: the usual
 */
export function nextSort(key, downFirst, current, usual) {
  const written = (/** @type {boolean} */ down) => `${down ? '-' : ''}${key}`;
  if (current.key !== key) return asWritten(written(downFirst), usual);
  if (written(current.down) === usual || current.down === downFirst) {
    return asWritten(written(!current.down), usual);
  }
  return null;
}

/**
 * @param {string} sort
 * @param {string} usual
 */
const asWritten = (sort, usual) => (sort === usual ? null : sort);

/**
 * @template T
 * @param {readonly T[]} a
 * @param {readonly T[]} b
 * @returns {boolean} whether they hold the very same things in the same order
 */
export function sameThings(a, b) {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Which rows to draw of many: those that are seen, and some around them.
 * @param {number} total
 * @param {{top: number, height: number, row: number}} seen pixels: scrolled, of the box, of a row
 * @param {number} [around] rows more, above and below
 * @returns {{from: number, to: number}} `to` is the first that is not drawn
 */
export function seenRows(total, { top, height, row }, around = 12) {
  const first = Math.floor(Math.max(0, top) / row);
  const amount = Math.ceil(height / row) + 2 * around;
  const from = Math.max(0, Math.min(first - around, total - amount));
  return { from, to: Math.min(total, from + amount) };
}
