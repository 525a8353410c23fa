/** "Go to…": a name is typed, what it may mean is listed, Enter goes there. */

import { html, nothing, render } from '../core/html.js';
import { count } from '../core/format.js';
import { meant, placesOf } from '../core/places.js';
import { VIEWS } from '../views/index.js';
import { dialog } from './dialog.js';
import { icon } from './icons.js';
import { offered } from './navigation.js';

/** @import { App } from '../core/app.js' */
/** @import { Place } from '../core/places.js' */

const MOST = 12;

/** @param {App} app */
export function goTo(app) {
  app.show(dialog(app, 'Go to', html`<ecn-go-to .app=${app}></ecn-go-to>`, { kind: 'search', light: true }));
}

class GoTo extends HTMLElement {
  constructor() {
    super();
    /** @type {App | null} */
    this.app = null;
    this._text = '';
    this._chosen = 0;
    /** @type {Place[]} */
    this._found = [];
  }

  connectedCallback() {
    this._draw();
  }

  _draw() {
    const { app } = this;
    if (!app) return;
    const views = VIEWS.filter((each) => each.nav && offered(app, each))
      .map((each) => ({ kind: 'view', name: each.title, view: each.path, rest: [] }));
    const { found, all } = meant(this._text ? [...views, ...placesOf(app.model)] : views, this._text, this._text ? MOST : 30);
    this._found = found;
    this._chosen = Math.min(this._chosen, Math.max(0, found.length - 1));
    render(html`
      <div class="go-to-field">${icon('search')}
        <input type="text" role="combobox" aria-label="Name" aria-expanded="true" aria-controls="places"
          aria-autocomplete="list" aria-activedescendant=${found.length ? `place-${this._chosen}` : nothing}
          placeholder="Node, application, microservice, route, view" autocomplete="off" spellcheck="false" autofocus
          @input=${this._typed} @keydown=${this._pressed}>
        <kbd>Esc</kbd></div>
      <ul id="places" role="listbox" aria-label="Places">
        ${found.map((place, index) => html`
          <li id="place-${index}" role="option" aria-selected=${index === this._chosen ? 'true' : 'false'}
            @click=${() => this._go(place)}>
            ${icon(place.kind === 'view' ? place.view || 'overview' : place.view)}
            <span class="place-name">${place.name}</span><span class="quiet">${place.kind}</span></li>`)}
      </ul>
      <p class="quiet go-to-count" role="status">${all === 0 ? 'Nothing has such a name.'
        : all > found.length ? `${count(all - found.length)} more` : nothing}</p>`, this);
    this.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {Event} event */
  _typed = (event) => {
    this._text = /** @type {HTMLInputElement} */ (event.target).value;
    this._chosen = 0;
    this._draw();
  };

  /** @param {KeyboardEvent} event */
  _pressed = (event) => {
    const length = this._found.length;
    const place = this._found[this._chosen];
    if (event.key === 'Enter' && place) this._go(place);
    else if (event.key === 'ArrowDown' && length) this._choose((this._chosen + 1) % length);
    else if (event.key === 'ArrowUp' && length) this._choose((this._chosen + length - 1) % length);
    else return;
    event.preventDefault();
  };

  /** @param {number} index */
  _choose(index) {
    this._chosen = index;
    this._draw();
  }

  /** @param {Place} place */
  _go(place) {
    this.app?.close();
    this.app?.location.go(this.app.location.href(place.view, place.rest));
    document.getElementById('main')?.focus();
    scrollTo(0, 0);
  }
}

customElements.define('ecn-go-to', GoTo);
