/** The frame of every page about one thing: where it stands, its name and state, its acts, its tabs. */

import { html, nothing } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/**
 * @typedef {object} Head
 * @property {readonly {text: string, href: string}[]} above where it belongs, the outermost first
 * @property {string} kind as people say it
 * @property {string} name
 * @property {unknown} [badges]
 * @property {unknown} [acts]
 * @property {unknown} [lead] one line below: why it is so, since when
 */

/**
 * @typedef {object} Tab
 * @property {string} key in the URL: `tab=key`; '' is the first
 * @property {string} title
 * @property {number} [count]
 * @property {() => unknown} show called only when it is the one that is shown
 */

/**
 * @param {App} app
 * @param {Head} head
 * @param {readonly Tab[]} tabs the first one is shown unless the URL says another
 */
export function details(app, head, tabs) {
  const wanted = app.location.query.get('tab') ?? '';
  const tab = tabs.find((each) => each.key === wanted) ?? tabs[0];
  return html`
    <header class="details-head">
      <nav class="above" aria-label="Where it belongs">${head.above.map(({ text, href }) =>
        html`<a href=${href}>${text}</a><span aria-hidden="true">/</span>`)}</nav>
      <div class="row apart">
        <div class="row title">
          <h1><span class="only-read-aloud">${head.kind} </span>${head.name}</h1>
          ${head.badges ?? nothing}
        </div>
        ${head.acts ?? nothing}
      </div>
      ${head.lead ? html`<p class="lead">${head.lead}</p>` : nothing}
    </header>
    <nav class="tabs" aria-label=${`Parts of ${head.name}`}>
      ${tabs.map((each) => html`<a href=${app.location.with({ tab: each.key, sort: null })}
        aria-current=${each === tab ? 'page' : nothing}>${each.title}${each.count === undefined ? nothing
          : html` <span class="count">${each.count}</span>`}</a>`)}
    </nav>
    <div class="tab-body">${tab?.show()}</div>`;
}

/**
 * A card with a heading; nothing where there is nothing in it.
 * @param {string} title
 * @param {unknown} inner
 * @param {string} [how] more classes
 */
export const card = (title, inner, how = '') => inner === nothing || inner === undefined ? nothing
  : html`<section class="card ${how}"><h2>${title}</h2>${inner}</section>`;

/**
 * A handful of numbers that one looks at first.
 * @param {readonly (readonly [title: string, value: unknown, broad?: boolean])[]} entries
 */
export const figures = (entries) => html`<dl class="figures">${entries.map(([title, value, broad]) =>
  html`<div class=${broad ? 'broad' : ''}><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>`;
