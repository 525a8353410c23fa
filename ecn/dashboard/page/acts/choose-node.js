/** The choice of a node to move something to: searched by name, with what decides. */

import { html, nothing } from '../core/html.js';
import { mebibytes } from '../core/format.js';
import { stateBadge } from '../parts/state.js';

/** @import { App } from '../core/app.js' */
/** @import { Node } from '../core/types.js' */
/** @import { Input } from './act.js' */

/** More are found by typing. */
const MOST = 30;
const RANK = { online: 0, offline: 1, registered: 2 };

/**
 * The input's `node` is the id of the one that is chosen, `search` what is typed.
 * @param {App} app
 * @param {Input} input
 * @param {(more: Input) => void} set
 * @param {string} from the id of the one that it is on
 */
export function chooseNode(app, input, set, from) {
  const words = String(input['search'] ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = [...app.model.rows.nodes.values()]
    .filter((each) => each.id !== from && words.every((word) => textOf(each).includes(word)))
    .sort((a, b) => RANK[a.state] - RANK[b.state] || a.name.localeCompare(b.name));
  return html`
    <label class="act-field">To which node
      <input type="search" name="search" autofocus autocomplete="off" placeholder="Name, label, place or architecture"
        .value=${String(input['search'] ?? '')}
        @input=${(/** @type {InputEvent} */ event) => set({ search: /** @type {HTMLInputElement} */ (event.target).value })}></label>
    <fieldset class="choices"><legend class="only-read-aloud">Node</legend>
      ${fitting.slice(0, MOST).map((each) => choice(app, each, input, set))}
      ${fitting.length > MOST ? html`<p class="quiet">and ${fitting.length - MOST} more: type to find them</p>` : nothing}
      ${fitting.length === 0 ? html`<p class="quiet">No other node is like that.</p>` : nothing}
    </fieldset>`;
}

/** @param {App} app @param {Node} node @param {Input} input @param {(more: Input) => void} set */
function choice(app, node, input, set) {
  const free = app.model.nodeUsage.get(node.id)?.memory_available_mib;
  const runs = app.model.byNode.get(node.id)?.length ?? 0;
  return html`
    <label class="choice"><input type="radio" name="node" value=${node.id} .checked=${input['node'] === node.id}
        @change=${() => set({ node: node.id })}>
      <span class="choice-name">${node.name}</span> ${stateBadge(node.state)}
      <span class="quiet">${[node.architecture, free === undefined ? '' : `${mebibytes(free)} free`,
        `${runs} microservice${runs === 1 ? '' : 's'}`].filter(Boolean).join(' · ')}</span></label>`;
}

/** @param {Node} node */
const textOf = (node) => [
  node.name, node.architecture, node.location, node.state,
  ...Object.entries(node.labels ?? {}).map(([key, value]) => `${key}=${value}`), ...(node.tags ?? []),
].filter(Boolean).join(' ').toLowerCase();
