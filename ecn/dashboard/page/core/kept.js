/** What is costly to make and seldom different, kept for each model until what it is made of changes. */

/** @import { Model } from './model.js' */

/** @type {WeakMap<Model, Map<string, {stamp: string, value: unknown}>>} */
const all = new WeakMap();

/**
 * Like `model.derived`, for what depends on more than rows.
 * @template T
 * @param {Model} model
 * @param {string} name one for each use
 * @param {string} stamp another one whenever the value may be another one
 * @param {() => T} make
 * @returns {T} the very same one as long as the stamp is
 */
export function kept(model, name, stamp, make) {
  let mine = all.get(model);
  if (!mine) all.set(model, mine = new Map());
  const known = mine.get(name);
  if (known?.stamp === stamp) return /** @type {T} */ (known.value);
  const value = make();
  mine.set(name, { stamp, value });
  return value;
}

/**
 * Of all that a model says, telemetry too.
 * @param {Model} model
 */
export const stampOf = (model) => `${model.version}/${model.heard}`;
