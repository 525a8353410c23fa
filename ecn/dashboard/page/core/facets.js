/** Which rows of a list a URL asks for, and what else it could ask for. Pure: for parts/filter.js. */

/**
 * @template R
 * @typedef {object} Facet
 * @property {string} key in the URL
 * @property {string} title
 * @property {(row: R) => readonly string[]} values that a row has: it is found by each
 * @property {readonly string[]} [order] of the values that are known beforehand; others follow by name
 * @property {boolean} [chips] few values: each is a button, and several can be chosen
 */

const words = new Intl.Collator(undefined, { numeric: true });

/**
 * What of the URL's filters concerns a list.
 * @param {readonly Facet<any>[]} facets
 * @param {URLSearchParams} query
 * @returns {Record<string, string>} without those that are not set
 */
export function asked(facets, query) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const key of ['q', ...facets.map((each) => each.key)]) {
    const value = query.get(key);
    if (value) found[key] = value;
  }
  return found;
}

/**
 * @template R
 * @param {readonly R[]} rows
 * @param {readonly Facet<R>[]} facets
 * @param {Record<string, string>} asked as above: `q` is words that must all be in the text, in any order
 * @param {(row: R) => string} text what the words are looked for in
 * @returns {R[]}
 */
export function matching(rows, facets, asked, text) {
  const wanted = (asked['q'] ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = facets.filter((each) => asked[each.key])
    .map((facet) => ({ facet, any: chosenOf(facet, asked[facet.key] ?? '') }));
  return rows.filter((row) => {
    for (const { facet, any } of chosen) {
      if (!facet.values(row).some((each) => any.includes(each))) return false;
    }
    if (!wanted.length) return true;
    const there = text(row).toLowerCase();
    return wanted.every((word) => there.includes(word));
  });
}

/**
 * @param {Facet<any>} facet
 * @param {string} value as in the URL: of chips `a,b`
 * @returns {string[]}
 */
export const chosenOf = (facet, value) =>
  (facet.chips ? value.split(',').filter(Boolean) : value ? [value] : []);

/**
 * With that value chosen, or not any more if it is.
 * @param {string} value as in the URL
 * @param {string} one
 * @returns {string}
 */
export function toggled(value, one) {
  const chosen = value.split(',').filter(Boolean);
  return (chosen.includes(one) ? chosen.filter((each) => each !== one) : [...chosen, one]).join(',');
}

/**
 * @template R
 * @param {readonly R[]} rows
 * @param {Facet<R>} facet
 * @param {string} [chosen] as in the URL: is among them also where no row has it
 * @returns {[string, number][]} its values, with how many rows have each; those that are known beforehand
 *     also where no row has them, so that what is offered does not come and go
 */
export function counted(rows, facet, chosen = '') {
  /** @type {Map<string, number>} */
  const counts = new Map((facet.order ?? []).map((each) => [each, 0]));
  for (const row of rows) {
    for (const value of facet.values(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  for (const value of chosenOf(facet, chosen)) if (!counts.has(value)) counts.set(value, 0);
  const place = (/** @type {string} */ value) => {
    const index = facet.order?.indexOf(value) ?? -1;
    return index < 0 ? Infinity : index;
  };
  return [...counts].sort(([a], [b]) => {
    const order = place(a) - place(b);
    return order || words.compare(a, b); // NaN: neither has a place
  });
}
