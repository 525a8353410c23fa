/** Microservices as a table within the page of a node or an application. */

import { html } from '../core/html.js';
import { mebibytes, percent } from '../core/format.js';
import { stateBadge, toneOf } from '../parts/state.js';
import { table } from '../parts/table.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */
/** @import { Microservice } from '../core/types.js' */
/** @import { Column } from '../parts/table.js' */

const RANK = { bad: 0, warn: 1, busy: 2, idle: 3, good: 4 };

/**
 * @param {App} app
 * @param {readonly Microservice[]} rows
 * @param {{caption: string, without: 'node' | 'application', empty: unknown}} how
 */
export function containers(app, rows, { caption, without, empty }) {
  const { model, location } = app;
  /** @param {Microservice} row */
  const name = (row) => model.nameOf('microservices', row);
  /** @param {Microservice} row */
  const node = (row) => model.rows.nodes.get(row.node_id)?.name ?? '';
  /** @type {Column<Microservice>[]} */
  const columns = [
    {
      key: 'name', title: 'Microservice', width: 11, sort: name,
      cell: (row) => html`<a href=${location.href('microservices', name(row).split('/'))}>${
        without === 'application' ? row.name : name(row)}</a>`,
    },
    {
      key: 'state', title: 'State', width: 8.5, sort: (row) => RANK[toneOf(row.state)],
      cell: (row) => stateBadge(row.health === 'unhealthy' ? row.health : row.state),
    },
    { key: 'since', title: 'Since', width: 5.5, sort: (row) => row.at, cell: (row) => when(app, row.at) },
    { key: 'reason', title: 'Reason', width: 12, cell: (row) => html`<span class="quiet">${row.reason ?? ''}</span>` },
    ...(without === 'node' ? [] : [/** @type {Column<Microservice>} */ ({
      key: 'node', title: 'Node', width: 8, sort: node,
      cell: (row) => html`<a href=${location.href('nodes', [node(row)])}>${node(row)}</a>`,
    })]),
    {
      key: 'restarts', title: 'Restarts', number: true, width: 5.5, sort: (row) => row.restarts ?? 0,
      cell: (row) => row.restarts ?? 0,
    },
    ...(app.moment.live ? [/** @type {Column<Microservice>} */ ({
      key: 'cpu', title: 'CPU', number: true, width: 4.5,
      sort: (row) => model.containerUsage.get(row.id)?.cpu_percent ?? -1,
      cell: (row) => said(model.containerUsage.get(row.id)?.cpu_percent, percent),
    }), /** @type {Column<Microservice>} */ ({
      key: 'memory', title: 'Memory', number: true, width: 5.5,
      sort: (row) => model.containerUsage.get(row.id)?.memory_mib ?? -1,
      cell: (row) => said(model.containerUsage.get(row.id)?.memory_mib, mebibytes),
    })] : []),
  ];
  return table(app, {
    caption, columns, rows, empty, sort: 'name', key: (row) => row.id,
    href: (row) => location.href('microservices', name(row).split('/')),
  });
}

/**
 * @param {number | undefined} amount
 * @param {(amount: number) => string} written
 */
const said = (amount, written) => amount === undefined ? '–' : written(amount);

/**
 * How many are how.
 * @param {readonly Microservice[]} rows
 */
export function tally(rows) {
  if (!rows.length) return '0';
  /** @type {Map<string, number>} */
  const states = new Map();
  for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
  const order = [...states].sort(([a], [b]) => RANK[toneOf(a)] - RANK[toneOf(b)]);
  return html`<span class="row tally">${order.map(([state, number]) =>
    html`<span class="state ${toneOf(state)}">${number} ${state}</span>`)}</span>`;
}
