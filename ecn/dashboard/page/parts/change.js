/** One field before and after, as a line. */

import { html } from '../core/html.js';
import { pathText, valueText } from './value.js';

/**
 * @typedef {object} FieldChange
 * @property {string} path JSON pointer
 * @property {'wanted' | 'reported'} aspect
 * @property {unknown} [before] absent: there was no such field
 * @property {unknown} [after] absent: there is none any more
 */

const SECRETS = ['/password', '/credential'];

/**
 * @param {FieldChange} change
 * @param {Record<string, string>} [names] of subjects that are mentioned by id
 */
export function changeLine(change, names = {}) {
  const had = 'before' in change;
  const has = 'after' in change;
  const label = change.path === '/node_id' ? 'node' : pathText(change.path.replace(/^\/status/, ''));
  /** @param {unknown} value */
  const text = (value) =>
    SECRETS.includes(change.path) ? 'hidden'
      : change.path === '/node_id' ? names[`node/${value}`] ?? valueText(value)
      : valueText(value);
  return html`<span class="change">
    ${change.aspect === 'reported' ? html`<span class="quiet">reported</span> ` : ''}<span
      class="field">${label}</span>
    ${had ? html`<del>${text(change.before)}</del>` : ''}
    ${had && has ? html`<span role="img" aria-label="became">→</span>` : ''}
    ${has ? html`<ins>${text(change.after)}</ins>` : ''}
    ${had || has ? '' : html`<span class="quiet">changed</span>`}
  </span>`;
}
