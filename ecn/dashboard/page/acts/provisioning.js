/**
 * A provisioning key, shown this once, with what to run on the device; and whether the device has come.
 * It makes the key itself where none is given: a new node gets its first one so.
 */

import { html, nothing, render } from '../core/html.js';
import { Problem } from '../core/api.js';
import { exactTime } from '../core/format.js';
import { copyButton } from '../parts/copy.js';
import { freshKey } from './act.js';
import { problemView } from './act-dialog.js';

/** @import { App } from '../core/app.js' */
/** @import { Changed } from '../core/types.js' */

/** @typedef {Changed & {key: string, node: string, expires_at: string}} IssuedKey */

const OWN = /^(localhost|127\.|\[::1\])/;

class ProvisioningElement extends HTMLElement {
  constructor() {
    super();
    /** @type {App | undefined} */
    this.app = undefined;
    /** Its id. */
    this.node = '';
    /** @type {IssuedKey | undefined} */
    this.issued = undefined;
    /** @type {Problem | undefined} */
    this.problem = undefined;
    this._key = freshKey();
    this._shown = new AbortController();
  }

  connectedCallback() {
    this._shown = new AbortController();
    addEventListener('drawn', () => this.draw(), { signal: this._shown.signal });
    if (!this.issued) void this._issue();
    this.draw();
  }

  disconnectedCallback() {
    this._shown.abort();
  }

  async _issue() {
    const { app } = this;
    if (!app) return;
    this.problem = undefined;
    try {
      this.issued = await app.api.send('POST', `/nodes/${encodeURIComponent(this.node)}/provisioning-key`, {},
        { headers: { 'Idempotency-Key': this._key } });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
    }
    this.draw();
  }

  draw() {
    const { app, issued, problem } = this;
    if (!app || !this.isConnected) return;
    render(issued ? this._key_(app, issued)
      : problem ? html`${problemView(problem)}<button type="button" @click=${() => void this._issue()}>Try again</button>`
      : html`<p class="quiet">Making its key …</p>`, this);
  }

  /** @param {App} app @param {IssuedKey} issued */
  _key_(app, issued) {
    const row = app.model.rows.nodes.get(this.node);
    const name = row?.name ?? issued.node;
    const taken = app.model.events.some((each) =>
      each.subject === `node/${this.node}` && each.position > issued.position && each.type.startsWith('node.provisioned.'));
    const left = Math.max(0, Math.ceil((Date.parse(issued.expires_at) - Date.now()) / 1000));
    return html`
      <div class="key">
        ${row?.state === 'online' && taken ? html`<p class="key-come good" role="status">✓ ${name} is online.</p>`
          : taken ? html`<p class="key-come" role="status">A device has taken the key: waiting for its first words.</p>`
          : left === 0 ? html`<p class="key-come bad" role="status">The key is not good any more. Make another one.</p>`
          : html`<p class="key-come" role="status">Waiting for the device …
              <span class="quiet" role="timer" aria-live="off">good for ${clock(left)} more</span></p>`}
        ${taken || left === 0 ? nothing : this._commands(name, issued)}
      </div>`;
  }

  /** @param {string} name @param {IssuedKey} issued */
  _commands(name, issued) {
    const controller = location.origin;
    // In the environment: an argument could be read by every user of the device.
    const command = (/** @type {string} */ verb) =>
      `ECN_PROVISIONING_KEY=${issued.key} ecn-agent ${verb} --controller ${controller}`;
    return html`
      <p>The key of ${name} is shown this once, and good for one device until
        <time datetime=${issued.expires_at}>${exactTime(issued.expires_at)}</time>. Whoever has it can take the node's place.</p>
      ${block('On the device, as root: as a service', command('install'))}
      ${block('Or by hand, until it is stopped', `${command('provision')}\necn-agent run`)}
      <p class="quiet">Without <code>ecn-agent</code> there: <code>pipx install '.[agent]'</code> in the folder of ECN's source.
        It needs Linux, Python 3.11 and Docker Engine.</p>
      ${OWN.test(location.host) ? html`<p class="plan-note warn">${controller} is this machine's own address: from elsewhere use one
        that leads here.</p>` : nothing}`;
  }
}

/** @param {number} seconds */
const clock = (seconds) => seconds >= 7200 ? `${Math.floor(seconds / 3600)} h`
  : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;

/** @param {string} what @param {string} text */
const block = (what, text) => html`
  <div class="key-block"><div class="row apart"><span class="quiet">${what}</span>${copyButton(text, `Copy: ${what}`)}</div>
    <pre tabindex="0" aria-label=${what}>${text}</pre></div>`;

customElements.define('ecn-provisioning', ProvisioningElement);
