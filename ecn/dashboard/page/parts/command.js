/** What to type for the same with the `ecn` command: the foot of a card. */

import { html } from '../core/html.js';
import { copyButton } from './copy.js';

/** @import { App } from '../core/app.js' */

/** @param {string} text one that may stand in a command without quotes, or with them */
const quoted = (text) => (/^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/**
 * @param {App} app
 * @param {readonly string[]} words after `ecn`
 * @param {boolean} [ofThen] whether the command can look at the past
 */
export function command(app, words, ofThen = true) {
  const at = app.moment.live || !ofThen ? [] : ['--at', String(app.moment.position)];
  const text = ['ecn', ...words, ...at].map(quoted).join(' ');
  return html`<p class="command"><code tabindex="0">${text}</code>${copyButton(text, `Copy ${text}`)}</p>`;
}
