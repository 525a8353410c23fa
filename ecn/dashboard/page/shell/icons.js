/** Small pictures: strokes on a field of 24 × 24. They say nothing that is not said in words beside them. */

import { svg, html } from '../core/html.js';

/** @type {Record<string, import('../vendor/lit-html/lit-html.js').TemplateResult>} */
const STROKES = {
  overview: svg`<path d="M4 13h6V4H4zM14 9h6V4h-6zM14 20h6v-7h-6zM4 20h6v-3H4z"/>`,
  topology: svg`<circle cx="12" cy="5" r="2.5"/><circle cx="5" cy="18.5" r="2.5"/><circle cx="19" cy="18.5" r="2.5"/><path d="M12 7.5v4m0 0-5.4 4.8M12 11.5l5.4 4.8"/>`,
  nodes: svg`<rect x="3.5" y="4" width="17" height="7" rx="1.5"/><rect x="3.5" y="14" width="17" height="7" rx="1.5"/><path d="M7 7.5h.01M7 17.5h.01M11 7.5h6M11 17.5h6"/>`,
  applications: svg`<path d="m12 3 8.5 4.5L12 12 3.5 7.5zM3.5 12 12 16.5l8.5-4.5M3.5 16.5 12 21l8.5-4.5"/>`,
  microservices: svg`<path d="m12 3 8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9"/>`,
  routes: svg`<circle cx="5.5" cy="18" r="2.5"/><circle cx="18.5" cy="6" r="2.5"/><path d="M8 18h6.5a3 3 0 0 0 0-6h-5a3 3 0 0 1 0-6H16"/>`,
  routers: svg`<rect x="3" y="13" width="18" height="7" rx="1.5"/><path d="M7 16.5h.01M11 16.5h.01M12 13V9M8.5 7.5a5 5 0 0 1 7 0M6 5a8.5 8.5 0 0 1 12 0"/>`,
  'public-ports': svg`<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17"/>`,
  registries: svg`<path d="M4 8h16v11.5H4zM4 8l2-4h12l2 4M9.5 12h5"/>`,
  'catalog-items': svg`<path d="M4 4.5h6.5A1.5 1.5 0 0 1 12 6v14a2 2 0 0 0-2-2H4zM20 4.5h-6.5A1.5 1.5 0 0 0 12 6v14a2 2 0 0 1 2-2h6z"/>`,
  templates: svg`<path d="M6 3.5h8l4 4V20.5H6zM14 3.5v4h4M9 12h6M9 16h6"/>`,
  'edge-resources': svg`<path d="M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4"/>`,
  volumes: svg`<ellipse cx="12" cy="6" rx="7.5" ry="2.8"/><path d="M4.5 6v12c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8V6M4.5 12c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8"/>`,
  users: svg`<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5"/>`,
  sessions: svg`<rect x="3" y="4.5" width="18" height="15" rx="1.5"/><path d="m7 9.5 3 2.5-3 2.5M12.5 15H17"/>`,
  network: svg`<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>`,
  'master-keys': svg`<circle cx="8" cy="15.5" r="4.5"/><path d="m11.5 12.5 8-8.5M16 8l3 3"/>`,
  timeline: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>`,
  deploy: svg`<path d="M12 16V4M7.5 8.5 12 4l4.5 4.5M4 16v4h16v-4"/>`,
  other: svg`<circle cx="12" cy="12" r="3"/>`,
  search: svg`<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>`,
  menu: svg`<path d="M4 6.5h16M4 12h16M4 17.5h16"/>`,
  close: svg`<path d="m6 6 12 12M18 6 6 18"/>`,
  play: svg`<path d="M7 4.5v15l12-7.5z"/>`,
  pause: svg`<path d="M8 5v14M16 5v14"/>`,
  back: svg`<path d="m14.5 5-7 7 7 7"/>`,
  forward: svg`<path d="m9.5 5 7 7-7 7"/>`,
  up: svg`<path d="m5 14.5 7-7 7 7"/>`,
  down: svg`<path d="m5 9.5 7 7 7-7"/>`,
  compare: svg`<path d="M8 4v16M4 8l4-4 4 4M16 20V4M12 16l4 4 4-4"/>`,
  user: svg`<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>`,
  help: svg`<circle cx="12" cy="12" r="8.5"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.7M12 16.5h.01"/>`,
};

/** @param {string} name of a view, or of what a button does */
export const icon = (name) => html`<svg class="icon" viewBox="0 0 24 24" width="18" height="18"
  aria-hidden="true" focusable="false">${STROKES[name] ?? STROKES.other}</svg>`;
