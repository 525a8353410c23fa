/** What of a JSON document became another: as a merge patch (RFC 7396). Pure. */

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after without a null as a value: a patch can't set one
 * @returns {Record<string, unknown>}
 */
export function mergePatch(before, after) {
  /** @type {Record<string, unknown>} */
  const patch = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) put(patch, key, null);
  for (const [key, now] of Object.entries(after)) {
    const was = Object.hasOwn(before, key) ? before[key] : undefined;
    if (isObject(was) && isObject(now)) {
      const inner = mergePatch(was, now);
      if (Object.keys(inner).length) put(patch, key, inner);
    } else if (JSON.stringify(was) !== JSON.stringify(now)) put(patch, key, now);
  }
  return patch;
}

/** Also where the key is `__proto__`. @param {Record<string, unknown>} into @param {string} key @param {unknown} value */
const put = (into, key, value) =>
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });

/**
 * Whether a null stands as the value of a key: none can be set by a patch. Those of lists can.
 * @param {unknown} value
 * @returns {boolean}
 */
export const hasNull = (value) =>
  isObject(value) && Object.values(value).some((each) => each === null || hasNull(each));
