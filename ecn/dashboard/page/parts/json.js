/** A JSON value to read and to copy: coloured by what each piece is, never as markup. */

import { guard, html } from '../core/html.js';
import { copyButton } from './copy.js';

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Characters above which nothing is coloured: a page has to stay quick. */
const MOST = 50000;

/**
 * @param {unknown} value
 * @param {string} [what] it is, for who hears it
 */
export const json = (value, what = 'JSON') => guard([value], () => {
  const text = JSON.stringify(value, null, 2) ?? 'none';
  return html`<div class="json">${copyButton(text, `Copy ${what}`)}<pre tabindex="0"
    role="group" aria-label=${what}>${text.length > MOST ? text : coloured(text)}</pre></div>`;
});

/** @param {string} text */
function coloured(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    pieces.push(text.slice(end, match.index));
    const [whole, quoted, colon] = match;
    end = match.index + whole.length;
    if (quoted === undefined) pieces.push(html`<span class="json-atom">${whole}</span>`);
    else if (colon) pieces.push(html`<span class="json-key">${quoted}</span>${colon}`);
    else pieces.push(html`<span class="json-text">${quoted}</span>`);
  }
  pieces.push(text.slice(end));
  return pieces;
}
