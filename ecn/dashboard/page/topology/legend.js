/** What the shapes and lines of the drawing mean. */

import { html, svg } from '../core/html.js';

const SHAPES = [
  ['good', 'fine', svg`<circle cx="6" cy="6" r="4.5" fill="currentColor"/>`],
  ['busy', 'changing', svg`<path d="M9.6 7.6A4 4 0 1 1 7.2 2.2" fill="none" stroke="currentColor" stroke-width="2"/>`],
  ['warn', 'warning', svg`<path d="M6 1 11.5 10.5H.5Z" fill="currentColor"/>`],
  ['bad', 'failing', svg`<path d="M6 .5 11.5 6 6 11.5.5 6Z" fill="currentColor"/>`],
  ['bad', 'offline', svg`<path d="M2 2 10 10M10 2 2 10" stroke="currentColor" stroke-width="2.4"/>`],
  ['idle', 'idle', svg`<circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="2"/>`],
];

const LINES = [
  ['flows', 'accent', ''],
  ['waits', 'warn', '5 3.5'],
  ['refused', 'bad', '2 3'],
];

export const legend = () => html`
  <ul class="topology-legend" aria-label="Legend">
    ${SHAPES.map(([tone, word, shape]) => html`
      <li class="ink-${tone}"><svg viewBox="0 0 12 12" aria-hidden="true">${shape}</svg> ${word}</li>`)}
    ${LINES.map(([word, tone, dashes]) => html`
      <li class="ink-${tone}"><svg viewBox="0 0 24 12" class="wide" aria-hidden="true">
        <path d="M0 6H24" stroke="currentColor" stroke-width="2" stroke-dasharray=${dashes ?? ''}/></svg>
        route ${word}</li>`)}
  </ul>`;
