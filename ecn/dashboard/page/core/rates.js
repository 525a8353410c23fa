/** How many events there were in each minute, from a few points of the log. Pure: for the overview. */

/** @typedef {{position: number, at: number}} Point at: milliseconds since 1970 */

/**
 * @param {readonly Point[]} points ascending, of any density: between two the events are taken as
 *     spread evenly
 * @param {number} until milliseconds since 1970: where the last slot ends
 * @param {number} slots how many
 * @param {number} [width] of a slot, milliseconds
 * @returns {number[]} events in each slot, the oldest first; fractions where points are far apart
 */
export function rates(points, until, slots, width = 60_000) {
  const edges = Array.from({ length: slots + 1 }, (_, index) =>
    positionAt(points, until - (slots - index) * width));
  return edges.slice(1).map((edge, index) => Math.max(0, edge - (edges[index] ?? edge)));
}

/**
 * @param {readonly Point[]} points
 * @param {number} time
 * @returns {number} how far the log was then
 */
function positionAt(points, time) {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.at ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  const after = points[low];
  if (!before) return points[0] ? points[0].position - 1 : 0;
  if (!after || after.at === before.at) return before.position;
  const share = (time - before.at) / (after.at - before.at);
  return before.position + share * (after.position - before.position);
}

/**
 * Points of two sources as one line: what comes later in the log never was earlier.
 * @param {...readonly Point[]} lines
 * @returns {Point[]} ascending, each position once
 */
export function merged(...lines) {
  const all = lines.flat().sort((a, b) => a.position - b.position);
  /** @type {Point[]} */
  const line = [];
  for (const each of all) {
    const last = line.at(-1);
    if (last && last.position === each.position) continue;
    line.push({ position: each.position, at: Math.max(each.at, last?.at ?? 0) });
  }
  return line;
}
