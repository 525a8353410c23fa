/** The one door to lit-html: templates that escape what is put into them. */

export { html, svg, nothing, render } from '../vendor/lit-html/lit-html.js';
export { repeat } from '../vendor/lit-html/directives/repeat.js';
export { keyed } from '../vendor/lit-html/directives/keyed.js';
export { guard } from '../vendor/lit-html/directives/guard.js';
export { live } from '../vendor/lit-html/directives/live.js';
export { classMap } from '../vendor/lit-html/directives/class-map.js';
export { ifDefined } from '../vendor/lit-html/directives/if-defined.js';
export { ref } from '../vendor/lit-html/directives/ref.js';
