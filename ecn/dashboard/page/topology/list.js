/** What the drawing shows, as a table: for who reads it rather than looks at it. And what a search finds. */

import { html } from '../core/html.js';
import { count } from '../core/format.js';
import { stateBadge } from '../parts/state.js';
import { table } from '../parts/table.js';
import { when } from '../parts/time.js';
import { emphasis } from './emphasis.js';
import { byName, chosenGrouping } from './grouping.js';
import { Network } from './network.js';

/** @import { App } from '../core/app.js' */
/** @import { Place } from './network.js' */

/** Kept up to date by what changed, whenever it is asked. */
const network = new Network();

/**
 * @param {App} app
 * @returns {Place[]} what fits search and filters of the URL, by name
 */
function found({ model, location: { query } }) {
  const asked = ['group', 'q', 'application', 'state'].map((each) => query.get(each) ?? '');
  const known = model.derived('topology found', () => /** @type {Map<string, Place[]>} */ (new Map()));
  const key = JSON.stringify(asked);
  const before = known.get(key);
  if (before) return before;
  const [group = '', q = '', application = '', state = ''] = asked;
  network.update(model, chosenGrouping(group, [...model.rows.nodes.values()]));
  const said = emphasis(network, { q, application, state }, []);
  const ids = said.matches ? said.found : [...network.places.keys()];
  const places = ids.flatMap((id) => network.places.get(id) ?? []);
  places.sort((a, b) => byName(a.row.name, b.row.name));
  known.set(key, places);
  return places;
}

/**
 * @param {App} app
 * @returns {{sel: string, count: number} | null} the first node of them as `sel` names it, and how many
 */
export function firstMatch(app) {
  const places = found(app);
  return places[0] ? { sel: `node/${places[0].row.name}`, count: places.length } : null;
}

/** @param {App} app */
export function asList(app) {
  const { location } = app;
  return table(app, {
    caption: 'Nodes, what runs there, and how many routes lead from and to them',
    rows: found(app),
    key: (place) => place.id,
    sort: 'node',
    href: (place) => location.href('nodes', [place.row.name]),
    empty: html`<p class="quiet">Nothing fits the search.</p>`,
    columns: [
      {
        key: 'node', title: 'Node', width: 14, sort: (place) => place.row.name,
        cell: (place) => html`<a href=${location.href('nodes', [place.row.name])}>${place.row.name}</a>`,
      },
      { key: 'group', title: 'Group', width: 9, sort: (place) => place.group, cell: (place) => place.group },
      {
        key: 'state', title: 'State', width: 8, sort: (place) => place.row.state,
        cell: (place) => stateBadge(place.row.state),
      },
      {
        key: 'since', title: 'Since', width: 7, sort: (place) => place.row.since,
        cell: (place) => when(app, place.row.since),
      },
      {
        key: 'parts', title: 'Microservices', number: true, width: 8,
        sort: (place) => place.parts.length, cell: (place) => count(place.parts.length),
      },
      {
        key: 'failing', title: 'Failing', number: true, width: 6,
        sort: (place) => place.failing, cell: (place) => count(place.failing),
      },
      {
        key: 'routes', title: 'Routes', number: true, width: 6, sort: (place) => routes(place),
        cell: (place) => count(routes(place)),
      },
    ],
  });
}

/** @param {Place} place */
const routes = (place) => network.pathsAt.get(place.id)?.length ?? 0;
