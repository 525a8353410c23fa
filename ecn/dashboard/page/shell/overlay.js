/** The one place over the page: a dialog is put there, and taken away. Where the focus was, it is again. */

import { nothing, render } from '../core/html.js';

/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

export class Overlay {
  /** @param {HTMLElement} place */
  constructor(place) {
    this._place = place;
    /** @type {TemplateResult | (() => TemplateResult) | null} */
    this._shown = null;
    /** @type {Element | null} */
    this._opener = null;
  }

  /** @param {TemplateResult | (() => TemplateResult)} dialog */
  show(dialog) {
    if (this._shown === null) this._opener = document.activeElement;
    this._shown = dialog;
    this.draw();
  }

  close() {
    for (const each of this._place.querySelectorAll('dialog')) each.close();
    this._shown = null;
    this.draw();
    // A dialog that another one replaced was never closed, and left the focus nowhere.
    const nowhere = document.activeElement === null || document.activeElement === document.body;
    if (nowhere && this._opener instanceof HTMLElement && this._opener.isConnected) this._opener.focus();
    this._opener = null;
  }

  draw() {
    const shown = this._shown;
    render(typeof shown === 'function' ? shown() : shown ?? nothing, this._place);
  }
}
