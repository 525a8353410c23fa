/** What is said in passing: read out to who does not see it, and gone after a while. */

import { html, nothing } from '../core/html.js';

/** @typedef {{id: number, text: string, bad: boolean, href: string, label: string}} Notice */

const STAYS = 8000;
/** @type {Notice[]} */
let shown = [];
let last = 0;

/**
 * @param {() => void} changed
 * @returns {(text: string, how?: {bad?: boolean, href?: string, label?: string}) => void}
 */
export function notices(changed) {
  return (text, { bad = false, href = '', label = '' } = {}) => {
    const notice = { id: ++last, text, bad, href, label };
    shown = [...shown.slice(-3), notice];
    changed();
    setTimeout(() => {
      shown = shown.filter((each) => each !== notice);
      changed();
    }, STAYS);
  };
}

export const shownNotices = () => html`
  <div class="notices" role="status" aria-live="polite">
    ${shown.map((each) => html`
      <p class="notice ${each.bad ? 'bad' : 'good'}">
        ${each.text} ${each.href ? html`<a href=${each.href}>${each.label}</a>` : nothing}
      </p>`)}
  </div>`;
