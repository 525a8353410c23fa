/** <ecn-logs .app .row=${microservice}>: what a container writes, as it writes it. */

import { html, nothing, render } from '../core/html.js';
import { count } from '../core/format.js';
import { copy } from './copy.js';
import { Follower } from './follower.js';
import { LogView, MOST } from './log-view.js';
import { problemNote } from './problem.js';
import { stateBadge } from './state.js';

/** @import { App } from '../core/app.js' */
/** @import { Microservice } from '../core/types.js' */
/** @import { Line } from './lines.js' */

const TAIL = 500;
/** Lines that wait while it is paused. */
const MOST_WAITING = MOST;

class LogsElement extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** @type {Microservice | undefined} */
    this.row = undefined;
    /** @type {Follower | undefined} */
    this._follower = undefined;
    /** @type {LogView | undefined} */
    this._view = undefined;
    this._key = '';
    /** What the container was when the log ended: once it is something else, there may be more. */
    this._was = '';
    /** @type {Line[]} that came in this frame, or since it is paused */
    this._waiting = [];
    this._flushing = false;
    this._paused = false;
    this._atEnd = true;
    this._search = '';
    this._only = false;
    this._wrap = true;
    this._times = true;
    this._shown = new AbortController();
  }

  connectedCallback() {
    this._shown = new AbortController();
    addEventListener('drawn', () => this._look(), { signal: this._shown.signal });
    this._look();
  }

  disconnectedCallback() {
    this._shown.abort();
    this._follower?.stop();
    this._follower = undefined;
    this._key = '';
  }

  _look() {
    const { app, row } = this;
    if (!app || !row || !this.isConnected) return;
    const live = app.moment.live;
    const node = app.model.rows.nodes.get(row.node_id);
    const key = live ? `${row.id} ${row.node_id}` : 'then';
    if (key !== this._key) {
      this._key = key;
      this._follower?.stop();
      this._follower = undefined;
      this._waiting = [];
    }
    this._draw();
    if (!live) return;
    if (!this._follower) {
      if (node?.state !== 'online') return;
      this._view?.clear();
      this._follower = new Follower(app, row.id, TAIL, (lines) => this._take(lines), () => this._draw());
      this._was = `${row.state} ${row.at}`;
      this._follower.start();
      return;
    }
    const was = `${row.state} ${row.at} ${node?.state}`;
    if (was !== this._was && node?.state === 'online' && ['ended', 'away'].includes(this._follower.state)) {
      this._follower.start();
    }
    this._was = was;
  }

  /** @param {Line[]} lines */
  _take(lines) {
    if (!lines.length) return;
    this._waiting.push(...lines);
    if (this._waiting.length > 2 * MOST_WAITING) this._waiting.splice(0, this._waiting.length - MOST_WAITING);
    if (this._flushing) return;
    this._flushing = true;
    requestAnimationFrame(() => {
      this._flushing = false;
      this._flush();
    });
  }

  _flush() {
    if (!this._paused && this._waiting.length) {
      this._view?.add(this._waiting);
      this._waiting = [];
    }
    this._draw();
  }

  _draw() {
    const { app, row } = this;
    if (!app || !row || !this.isConnected) return;
    if (!app.moment.live) {
      this._view = undefined;
      render(html`<p class="note">Logs are of now only: what a container writes is not kept in the log of the network.
        <a href=${app.location.with({ at: null })}>Show now</a></p>`, this);
      return;
    }
    this._atEnd = this._view?.atEnd ?? true;
    render(this._template(app, row), this);
    if (!this._view) {
      const place = /** @type {HTMLElement} */ (this.querySelector('.log-lines'));
      this._view = new LogView(place);
      place.addEventListener('scroll', () => {
        this._view?.scrolled();
        if (this._atEnd !== this._view?.atEnd) this._draw();
      }, { passive: true });
    }
  }

  /**
   * @param {App} app
   * @param {Microservice} row
   */
  _template(app, row) {
    const view = this._view;
    const lines = view?.lines.length ?? 0;
    return html`
      <div class="log-tools row">
        ${this._badge(app, row)}
        <button type="button" aria-pressed=${this._paused} @click=${() => {
          this._paused = !this._paused;
          this._flush();
        }}>${this._paused ? `Go on${this._waiting.length ? ` (${count(this._waiting.length)} new)` : ''}` : 'Pause'}</button>
        <input type="search" placeholder="Find in log" aria-label="Find in log" .value=${this._search}
          @input=${(/** @type {Event} */ event) => this._find(/** @type {HTMLInputElement} */ (event.target).value)}>
        <span class="quiet found" role="status">${this._search ? lineCount(view?.found ?? 0) : ''}</span>
        <label class="check"><input type="checkbox" ?disabled=${!this._search} .checked=${this._only}
          @change=${() => { this._only = !this._only; this._find(this._search); }}> Only these</label>
        <span class="spring"></span>
        <label class="check"><input type="checkbox" .checked=${this._wrap}
          @change=${() => { this._wrap = !this._wrap; this._draw(); }}> Wrap</label>
        <label class="check"><input type="checkbox" .checked=${this._times}
          @change=${() => { this._times = !this._times; this._draw(); }}> Times</label>
        <button type="button" class="plain" ?disabled=${!lines} @click=${() => void this._copy(app)}>Copy</button>
        <button type="button" class="plain" ?disabled=${!lines} @click=${() => this._download(app, row)}>Download</button>
      </div>
      ${this._follower?.problem ? problemNote(this._follower.problem) : nothing}
      <div class="log-frame">
        <div class="log-lines ${this._wrap ? 'wraps' : ''} ${this._times ? '' : 'without-times'}" role="log"
          aria-live="off" aria-label=${`Log of ${row.name}`} tabindex="0"></div>
        ${lines ? nothing : html`<p class="log-empty quiet">${this._empty(app, row)}</p>`}
        ${this._atEnd ? nothing
          : html`<button type="button" class="log-end" @click=${() => {
            view?.toEnd();
            this._draw();
          }}>To the end</button>`}
      </div>
      <p class="quiet small">${lineCount(lines)}${view?.left ? `; ${count(view.left)} older ones left the page` : ''}</p>`;
  }

  /**
   * @param {App} app
   * @param {Microservice} row
   */
  _badge(app, row) {
    const node = app.model.rows.nodes.get(row.node_id);
    if (!this._follower || (this._follower.state === 'away' && node?.state !== 'online')) {
      return stateBadge(`node ${node?.state ?? 'gone'}`, 'warn');
    }
    switch (this._follower.state) {
      case 'connecting': return stateBadge('connecting', 'busy');
      case 'following': return this._paused ? stateBadge('paused', 'idle') : stateBadge('live', 'good');
      case 'ended': return html`${stateBadge('ended', 'idle')}
        <button type="button" @click=${() => this._follower?.start()}>Follow again</button>`;
      case 'away': return stateBadge('reconnecting', 'warn');
      case 'refused': return stateBadge('refused', 'bad');
    }
  }

  /**
   * @param {App} app
   * @param {Microservice} row
   */
  _empty(app, row) {
    const node = app.model.rows.nodes.get(row.node_id);
    if (node && node.state !== 'online') {
      return `Node ${node.name} is ${node.state}: its logs can be read as soon as it is online.`;
    }
    if (this._follower?.state === 'connecting') return `Asking the agent of ${node?.name ?? 'its node'} …`;
    if (this._follower?.state === 'following') return 'It has written nothing yet.';
    return 'No lines.';
  }

  /** @param {string} text */
  _find(text) {
    this._search = text;
    this._view?.search(text, this._only);
    this._draw();
  }

  _text() {
    return (this._view?.lines ?? [])
      .map((line) => `${this._times && line.time ? `${line.time} ` : ''}${line.text}\n`).join('');
  }

  /** @param {App} app */
  async _copy(app) {
    if (await copy(this._text())) app.tell('Copied.');
    else app.tell('The browser gives no clipboard: select the lines and copy them.', { bad: true });
  }

  /**
   * @param {App} app
   * @param {Microservice} row
   */
  _download(app, row) {
    const url = URL.createObjectURL(new Blob([this._text()], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${app.model.nameOf('microservices', row).replaceAll('/', '-')}.log`;
    link.click();
    URL.revokeObjectURL(url);
  }
}

/** @param {number} number */
const lineCount = (number) => `${count(number)} ${number === 1 ? 'line' : 'lines'}`;

customElements.define('ecn-logs', LogsElement);

/**
 * @param {App} app
 * @param {Microservice} row
 */
export const logs = (app, row) => html`<ecn-logs .app=${app} .row=${row}></ecn-logs>`;
