/** How times, spans and amounts are written. Times are in the viewer's zone. */

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const number = new Intl.NumberFormat();

/** @param {string} time RFC 3339 */
export const exactTime = (time) => exact.format(new Date(time));

/**
 * The time alone if it is today's, else with its day.
 * @param {string} time
 * @param {number} now milliseconds since 1970
 */
export function shortTime(time, now) {
  const date = new Date(time);
  return date.toDateString() === new Date(now).toDateString() ? clock.format(date) : day.format(date);
}

/** @param {number} amount */
export const count = (amount) => number.format(amount);

/**
 * How long: the largest unit that fits, as in `3 min`.
 * @param {number} milliseconds
 */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/**
 * @param {string} time
 * @param {number} now
 */
export function ago(time, now) {
  const passed = now - Date.parse(time);
  return passed < 1500 ? 'now' : `${span(passed)} ago`;
}

/** @param {number} mib */
export function mebibytes(mib) {
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : mebibytes(bytes / 1048576);
}

/** @param {number} percent */
export const percent = (percent) => `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;

/** @param {number} perSecond */
export const rate = (perSecond) => `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`;
