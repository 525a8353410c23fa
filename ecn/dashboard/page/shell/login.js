/**
 * Who are you? Asked before anything is shown, and over the page when a session has ended meanwhile:
 * what was looked at stays where it was.
 */

import { html, nothing, ref, render } from '../core/html.js';
import { Problem } from '../core/api.js';

/** @import { App } from '../core/app.js' */

/** Why a link that should have logged somebody in did not; '' while there is nothing to say. */
let refused = '';

/**
 * All there is, for who is not logged in.
 * @param {App} app
 * @param {() => Promise<void>} begin to be called once logged in
 */
export function loginPage(app, begin) {
  document.title = 'Log in · ECN';
  return html`
    <main class="login" id="main">
      <p class="login-brand" aria-hidden="true">ECN</p>
      <h1>Log in to ${location.host}</h1>
      <ecn-login .app=${app} .begin=${begin}></ecn-login>
      <div class="login-help">
        <p>Logged in with <code>ecn</code> already? <code>ecn dashboard</code> prints a link that opens
          this page without a password.</p>
        <p>No account? An admin makes one: <code>ecn create user NAME</code></p>
      </div>
    </main>`;
}

/**
 * Over the page, which can't be used until somebody has logged in.
 * @param {App} app
 * @param {() => Promise<void>} begin
 */
export function loginOver(app, begin) {
  return html`
    <dialog class="framed slim login-over" aria-labelledby="login-title" ${ref(opened)}
      @cancel=${(/** @type {Event} */ event) => event.preventDefault()}
      @close=${(/** @type {Event} */ event) => opened(/** @type {Element} */ (event.target))}>
      <div class="dialog-body">
        <h2 id="login-title">Your session has ended</h2>
        <p>What you see behind this stands still. Log in to go on where you were.</p>
        <ecn-login .app=${app} .begin=${begin} .name=${app.session?.user ?? ''}></ecn-login>
      </div>
    </dialog>`;
}

/**
 * Here, and here again: a second Escape closes a dialog whatever the page says to the first.
 * @param {Element | undefined} element
 */
function opened(element) {
  if (!(element instanceof HTMLDialogElement)) return;
  queueMicrotask(() => {
    if (element.isConnected && !element.open) element.showModal();
  });
}

/**
 * Log in by the link that `ecn dashboard` made, if it was this one that led here. What it carries is
 * good once; it stands in no history and goes to no server but as a token.
 * @param {App} app
 * @returns {Promise<boolean>} whether somebody was let in by it
 */
export async function takeLink(app) {
  const token = new URLSearchParams(location.hash.slice(1)).get('login');
  if (!token) return false;
  history.replaceState(null, '', location.pathname + location.search);
  const before = app.api.csrfToken;
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const session = await app.api.send('POST', '/session', undefined, { headers });
    app.api.csrfToken = session.csrf_token;
    refused = '';
    return true;
  } catch (error) {
    // Somebody else's, or this browser's own of before: a session that holds goes on.
    app.api.csrfToken = before;
    const known = error instanceof Problem && error.status === 401;
    refused = known
      ? 'That link was used already, or is more than two minutes old. Make another: ecn dashboard'
      : /** @type {Error} */ (error).message;
    if (app.session) {
      app.tell(refused, { bad: true });
      refused = '';
    }
    return false;
  }
}

class Login extends HTMLElement {
  constructor() {
    super();
    /** @type {App | null} */
    this.app = null;
    this.begin = async () => {};
    /** Who it was before, if anybody. */
    this.name = '';
    this._busy = false;
    /** @type {{name?: string, password?: string, form?: string}} what is wrong, by where it is */
    this._wrong = {};
  }

  connectedCallback() {
    if (refused) this._wrong = { form: refused };
    refused = '';
    this._draw();
    this._field(this._first).focus();
  }

  /** @returns {'name' | 'password'} what is to be filled in first */
  get _first() {
    return this.name ? 'password' : 'name';
  }

  /** @param {'name' | 'password'} name */
  _field(name) {
    return /** @type {HTMLInputElement} */ (this.querySelector(`input[name=${name}]`));
  }

  _draw() {
    const { form } = this._wrong;
    render(html`
      <form novalidate @submit=${(/** @type {SubmitEvent} */ event) => void this._submit(event)}>
        ${this._input('name', 'Name', 'text', 'username')}
        ${this._input('password', 'Password', 'password', 'current-password')}
        <p class="login-wrong" role="alert">${form ?? nothing}</p>
        <button class="primary" ?disabled=${this._busy}>${this._busy ? 'Logging in' : 'Log in'}</button>
      </form>`, this);
  }

  /**
   * @param {'name' | 'password'} name
   * @param {string} label
   * @param {string} type
   * @param {string} complete for password managers
   */
  _input(name, label, type, complete) {
    const wrong = this._wrong[name];
    return html`
      <div class="login-field">
        <label for="login-${name}">${label}</label>
        <input id="login-${name}" name=${name} type=${type} autocomplete=${complete} autocapitalize="none"
          spellcheck="false" value=${name === 'name' ? this.name : ''} aria-invalid=${wrong ? 'true' : nothing}
          aria-describedby="login-${name}-wrong" required ?autofocus=${name === this._first && this.closest('dialog') !== null}>
        <p class="login-wrong" id="login-${name}-wrong" aria-live="polite">${wrong ?? nothing}</p>
      </div>`;
  }

  /** @param {SubmitEvent} event */
  async _submit(event) {
    event.preventDefault();
    if (this._busy || !this.app) return;
    const [name, password] = [this._field('name'), this._field('password')];
    if (!name.value.trim()) return this._say({ name: 'Give your name.' }, name);
    if (!password.value) return this._say({ password: 'Give your password.' }, password);
    this._busy = true;
    this._say({}, null);
    try {
      const said = { name: name.value.trim(), password: password.value };
      const session = await this.app.api.send('POST', '/session', said);
      this.app.api.csrfToken = session.csrf_token;
      password.value = '';
      await this.begin();
    } catch (error) {
      this._refused(/** @type {Error} */ (error), password);
    } finally {
      this._busy = false;
      this._draw();
    }
  }

  /**
   * @param {Error} error
   * @param {HTMLInputElement} password
   */
  _refused(error, password) {
    const problem = error instanceof Problem ? error : null;
    if (problem?.status === 401) {
      this._say({ password: 'Name or password is wrong.' }, password);
      password.select();
      return;
    }
    const step = problem?.nextStep ?? '';
    this._say({ form: [error.message, step].filter(Boolean).map(sentence).join(' ') }, null);
  }

  /**
   * @param {{name?: string, password?: string, form?: string}} wrong
   * @param {HTMLInputElement | null} field where to go on
   */
  _say(wrong, field) {
    this._wrong = wrong;
    this._draw();
    field?.focus();
  }
}

/** @param {string} text */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? '' : '.');

customElements.define('ecn-login', Login);
