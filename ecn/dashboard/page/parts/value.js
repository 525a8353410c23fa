/** Fields and values of documents on one line, as `ecn diff` writes them. Pure. */

/** Characters of a value that are shown. */
const LONGEST = 120;
/** Text that would be taken for something else without quotes. */
const OTHERWISE = ['true', 'false', 'none', 'null', ''];

/**
 * The keys of a JSON pointer (RFC 6901).
 * @param {string} pointer
 */
export const keysOf = (pointer) =>
  pointer.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

/**
 * The JSON pointer to what stands under these keys.
 * @param {readonly string[]} keys
 */
export const pointerTo = (keys) =>
  keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/**
 * `env.TITLE` of `/env/TITLE`.
 * @param {string} pointer
 */
export const pathText = (pointer) =>
  keysOf(pointer).map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join('.');

/**
 * Text as it is where that can't be misread, anything else as JSON.
 * @param {unknown} value
 * @param {number} [longest] characters
 */
export function valueText(value, longest = LONGEST) {
  const text = value === null || value === undefined ? 'none'
    : typeof value === 'string' && isPlain(value) ? value
    : JSON.stringify(value);
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** @param {string} text */
const isPlain = (text) =>
  !OTHERWISE.includes(text.toLowerCase()) && text.trim() === text && !/[\n\r\t"]/.test(text) &&
  Number.isNaN(Number(text));
