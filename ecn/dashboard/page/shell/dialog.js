/**
 * The frame of every dialog: a title, a way out, and what is in it.
 *
 * The browser keeps the focus inside, closes it by Escape and gives the focus back.
 */

import { html, nothing, ref } from '../core/html.js';
import { icon } from './icons.js';

/** @import { App } from '../core/app.js' */

/**
 * For `app.show`.
 * @param {App} app
 * @param {string} title
 * @param {unknown} body lit's template; an element with `autofocus` has the focus first
 * @param {{kind?: 'wide' | 'slim' | 'search' | '', closed?: () => void, light?: boolean}} [how] closed: called when it was
 *     closed, however; light: a click beside it closes it
 */
export function dialog(app, title, body, { kind = '', closed, light = false } = {}) {
  /** @param {Event} event */
  const close = (event) => {
    // Told a moment later: by then another one may be shown.
    if (event.target !== event.currentTarget) return;
    if (event.currentTarget instanceof Element && event.currentTarget.isConnected) app.close();
    closed?.();
  };
  /** @param {MouseEvent} event */
  const beside = (event) => {
    if (light && event.target === event.currentTarget) app.close();
  };
  return html`
    <dialog class="framed ${kind}" aria-labelledby="dialog-title" ${ref(opened)}
      @close=${close} @click=${beside}>
      <header class="dialog-head ${kind === 'search' ? 'only-read-aloud' : ''}">
        <h2 id="dialog-title">${title}</h2>
        ${kind === 'search' ? nothing : html`
          <button type="button" class="plain icon-only" aria-label="Close" @click=${app.close}>${icon('close')}</button>`}
      </header>
      <div class="dialog-body">${body}</div>
    </dialog>`;
}

/** @param {Element | undefined} element */
function opened(element) {
  if (!(element instanceof HTMLDialogElement)) return;
  // It is put into the page only after this.
  queueMicrotask(() => {
    if (element.isConnected && !element.open) element.showModal();
  });
}
