/**
 * <ecn-topology .app=${app}>: the network drawn, for the view that frames it.
 *
 * Reads the model and the URL after each drawing of the page, tells the stage what is different, and
 * shows beside it what a canvas cannot say: the selected thing, the node that the keyboard is on.
 */

import { html, nothing, render } from '../core/html.js';
import { count } from '../core/format.js';
import { toneOf } from '../parts/tone.js';
import { emphasis, nameOf, thingOf } from './emphasis.js';
import { listen } from './gestures.js';
import { chosenGrouping, inOrder, restTitle } from './grouping.js';
import { KEYS, stepped } from './keys.js';
import { layout } from './layout.js';
import { Network } from './network.js';
import { onThemeChange, paletteOf } from './palette.js';
import { panel } from './panel.js';
import { Pointer, jumpTo } from './pointer.js';
import { Stage } from './stage.js';
import { said as inWords, tip } from './words.js';

/** @import { App } from '../core/app.js' */
/** @import { Emphasis, Thing } from './emphasis.js' */
/** @import { Layout } from './layout.js' */

/** Pixels that the panel of the selected thing covers. */
const PANEL = 340;
/** Width by height that drawings are made for. */
const STEPS = [2.2, 1.75, 1.4, 1.1, 0.85, 0.7];

class TopologyElement extends HTMLElement {
  constructor() {
    super();
    /** @type {App | null} */
    this.app = null;
    this._network = new Network();
    /** @type {Stage | null} */
    this._stage = null;
    /** @type {Layout | null} */
    this._layout = null;
    this._laid = '';
    this._aspect = 1.7;
    this._version = -1;
    /** @type {{key: string, said: Emphasis} | null} */
    this._emphasis = null;
    /** @type {Pointer | null} */
    this._pointer = null;
    /** @type {string} the node that the keyboard is on */
    this._active = '';
    this._focused = false;
    /** @type {string | null} the selection as it was */
    this._selected = null;
    this._clicked = false;
    this._ends = new AbortController();
  }

  connectedCallback() {
    this._ends = new AbortController();
    const { signal } = this._ends;
    this._draw();
    const canvas = (/** @type {string} */ name) =>
      /** @type {HTMLCanvasElement} */ (this.querySelector(`.topology-${name}`));
    const map = canvas('map');
    const ground = /** @type {HTMLElement} */ (this.querySelector('.topology-ground'));
    const stage = new Stage({ base: canvas('base'), cards: canvas('cards'), map }, paletteOf(this));
    this._stage = stage;
    const tipBox = /** @type {HTMLElement} */ (this.querySelector('.topology-tip'));
    const pointer = new Pointer(stage, ground, tipBox, {
      words: (thing) => (this.app ? tip(this.app, this._network, thing) : nothing),
      rested: () => this.look(),
    });
    this._pointer = pointer;
    listen(ground, {
      pan: (dx, dy) => stage.pan(dx, dy),
      zoom: (factor, point) => stage.zoom(factor, point),
      nearer: (point) => this._nearer(point),
      pick: (point) => this._pick(point),
      over: (point) => pointer.at(point),
    }, signal);
    const jump = (/** @type {PointerEvent} */ event) => {
      if (this._layout && event.buttons) jumpTo(stage, this._layout.bounds, event);
    };
    map.addEventListener('pointerdown', jump, { signal });
    map.addEventListener('pointermove', jump, { signal });
    onThemeChange(() => {
      stage.palette = paletteOf(this);
      stage.repaint();
    }, signal);
    const sizes = new ResizeObserver(() => this._resized(ground));
    sizes.observe(ground);
    signal.addEventListener('abort', () => sizes.disconnect());
    addEventListener('drawn', () => this.look(), { signal });
    this._resized(ground);
  }

  disconnectedCallback() {
    this._ends.abort();
    this._pointer?.at(null);
    this._stage?.end();
    this._stage = null;
    this._layout = null;
    this._laid = '';
    this._version = -1;
  }

  /** @param {HTMLElement} ground */
  _resized(ground) {
    const { clientWidth: w, clientHeight: h } = ground;
    if (!w || !h || !this._stage) return;
    // By steps: a window that is drawn a little wider moves nothing.
    this._aspect = STEPS.find((each) => w / h > each * 0.9) ?? 0.6;
    this._stage.resize({ w, h });
    this.look();
  }

  /** Looks at the model and the URL anew: what is as it was costs nothing. */
  look() {
    const { app, _stage: stage } = this;
    if (!app || !stage) return;
    const { model, location, moment } = app;
    const { query } = location;
    let rewired = false;
    const asked = query.get('group');
    const grouping = model.derived(`topology grouping ${asked}`, () =>
      chosenGrouping(asked, [...model.rows.nodes.values()]));
    const laid = `${grouping} ${this._aspect}`;
    if (this._version !== model.version || laid !== this._laid) {
      const { moved, news } = this._network.update(model, grouping);
      rewired = news.size > 0;
      if (moved || laid !== this._laid || !this._layout) this._lay(grouping);
      this._version = model.version;
      this._laid = laid;
      this._emphasis = null;
    }
    if (!this._layout) return;
    const thing = thingOf(model, query.get('sel'));
    stage.show({
      network: this._network,
      layout: this._layout,
      said: this._said(query, thing),
      flows: moment.live ? model.flows : new Map(),
      centre: centreOf(app, this._network.pathsAt.get('')?.length ?? 0),
    }, rewired);
    stage.flash(moment.touched);
    if (this._selected !== query.get('sel')) this._followed(query.get('sel'), thing);
    this._clicked = false;
    this._draw(thing);
  }

  /** @param {string} grouping */
  _lay(grouping) {
    const places = [...this._network.places.values()];
    this._layout = layout(
      places.map(({ id, row, group, parts }) =>
        ({ id, name: row.name, group, created_at: row.created_at, chips: parts.length })),
      {
        groups: inOrder(grouping, [...new Set(places.map((each) => each.group))]),
        title: (key) => key || restTitle(grouping),
        plain: grouping === 'none',
        aspect: this._aspect,
      },
    );
  }

  /**
   * The same object as long as nothing else stands out.
   * @param {URLSearchParams} query
   * @param {Thing | null} selected
   * @returns {Emphasis}
   */
  _said(query, selected) {
    const filters = {
      q: query.get('q') ?? '', application: query.get('application') ?? '', state: query.get('state') ?? '',
    };
    const things = [selected, this._pointer?.over ?? null];
    const active = this._focused ? this._active : '';
    const key = JSON.stringify([filters, things, active]);
    if (this._emphasis?.key !== key) {
      const said = emphasis(this._network, filters, things);
      if (active) said.marked.add(active);
      this._emphasis = { key, said };
    }
    return this._emphasis.said;
  }

  /**
   * Something else is selected: it is brought into sight, unless it was clicked on.
   * @param {string | null} text
   * @param {Thing | null} thing
   */
  _followed(text, thing) {
    this._selected = text;
    const node = thing?.kind === 'microservice' ? this._network.parts.get(thing.id)?.row.node_id
      : thing?.kind === 'node' ? thing.id : undefined;
    if (node !== undefined) {
      this._active = node;
      const { w, h } = this._stage?.size ?? { w: 0, h: 0 };
      const covered = w > 2 * PANEL ? { w: PANEL, h: 0 } : { w: 0, h: h * 0.6 };
      if (!this._clicked) this._stage?.reveal(node, covered);
    }
  }

  /** @param {Thing | null} thing */
  _select(thing) {
    if (!this.app) return;
    this.app.location.set({ sel: thing ? nameOf(this.app.model, thing) : null });
  }

  /** @param {{x: number, y: number}} point */
  _pick(point) {
    const { thing, group } = this._stage?.at(point) ?? { thing: null, group: undefined };
    this._pointer?.at(null);
    this._clicked = thing !== null;
    if (thing) this._select(thing);
    else if (this.app?.location.query.get('sel')) this._select(null);
    else if (group && !thing) this._stage?.enter(group);
  }

  /** @param {{x: number, y: number}} point */
  _nearer(point) {
    this._stage?.zoom(2.2, point, true);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const { _stage: stage, _layout: drawn } = this;
    if (!stage || !drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    switch (act) {
      case 'nearer': return stage.zoom(1.5, undefined, true);
      case 'further': return stage.zoom(1 / 1.5, undefined, true);
      case 'fit': return stage.fit();
      case 'leave': return this._select(null);
      case 'select': return this._select(this._active ? { kind: 'node', id: this._active } : null);
      default: break;
    }
    const step = { left: [-90, 0], right: [90, 0], up: [0, -90], down: [0, 90] }[/** @type {string} */ (act)];
    if (step && event.shiftKey) return stage.pan(step[0] ?? 0, step[1] ?? 0);
    this._active = stepped(drawn, this._active, act);
    stage.reveal(this._active);
    this.look();
  }

  /** @param {boolean} focused */
  _focus(focused) {
    this._focused = focused && this.querySelector('.topology-ground:focus-visible') !== null;
    if (focused && !this._layout?.nodes.has(this._active)) {
      this._active = this._layout?.groups.find((each) => each.nodes.length)?.nodes[0] ?? '';
    }
    this.look();
  }

  /** @param {Thing | null} [thing] selected */
  _draw(thing = null) {
    const { app } = this;
    const drawn = this._layout;
    const order = drawn?.groups.flatMap((each) => each.nodes) ?? [];
    const active = order.includes(this._active) ? this._active : order[0] ?? '';
    const place = this._network.places.get(active);
    render(html`
      <div class="topology-ground" tabindex="0" role=${place ? 'listbox' : 'group'}
        aria-label=${`The network drawn: ${count(order.length)} nodes`}
        aria-describedby="topology-keys"
        aria-activedescendant=${place ? 'topology-active' : nothing}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this._key(event)}
        @focus=${() => this._focus(true)} @blur=${() => this._focus(false)}>
        <canvas class="topology-base" aria-hidden="true"></canvas>
        <canvas class="topology-cards" aria-hidden="true"></canvas>
        ${place ? html`<div id="topology-active" class="only-read-aloud" role="option"
          aria-selected=${thing?.id === active ? 'true' : 'false'}
          aria-setsize=${order.length} aria-posinset=${order.indexOf(active) + 1}>${inWords(place)}</div>`
          : nothing}
      </div>
      <p id="topology-keys" class="only-read-aloud">Arrow keys go from node to node, with Shift they move
        the drawing; Page Up and Page Down go from group to group; Enter selects, Escape leaves it; plus,
        minus and 0 zoom.</p>
      <canvas class="topology-map" aria-hidden="true"></canvas>
      <div class="topology-tip" hidden></div>
      <div class="topology-zoom" role="group" aria-label="Zoom">
        <button title="Nearer (+)" aria-label="Nearer" @click=${() => this._stage?.zoom(1.5, undefined, true)}>+</button>
        <button title="Further (−)" aria-label="Further" @click=${() => this._stage?.zoom(1 / 1.5, undefined, true)}>−</button>
        <button title="All of it (0)" aria-label="All of it" @click=${() => this._stage?.fit()}>⤢</button>
      </div>
      ${app && thing ? panel(app, this._network, thing) : nothing}`, this);
  }
}

/**
 * What is said of the centre.
 * @param {App} app
 * @param {number} upstream routes that lead there
 */
function centreOf({ model, moment }, upstream) {
  const { state } = model.interiorRouter;
  return {
    controller: moment.live ? (moment.link === 'up' ? 'live' : moment.link) : 'as it was then',
    router: state === 'none' ? '' : moment.live ? state : 'as it was then',
    routerTone: moment.live ? toneOf(state) : toneOf('none'),
    upstream: upstream === 1 ? '1 route' : `${count(upstream)} routes`,
  };
}

customElements.define('ecn-topology', TopologyElement);
