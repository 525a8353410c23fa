/** All microservices: how each container is, and where. */

import { html } from '../core/html.js';
import { CONDITIONS, conditionOf, noteOf } from '../core/condition.js';
import { mebibytes, percent } from '../core/format.js';
import { deployButton } from '../acts/index.js';
import { hrefOf, labelTexts, linkTo } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */
/** @import { Microservice } from '../core/types.js' */
/** @import { Column } from '../parts/table.js' */

/**
 * @param {App} app
 * @returns {Column<Microservice>[]}
 */
function microserviceColumns(app) {
  const { model } = app;
  const nodeOf = (/** @type {Microservice} */ row) => model.rows.nodes.get(row.node_id);
  const usage = (/** @type {Microservice} */ row) => model.containerUsage.get(row.id);
  /** @type {Column<Microservice>[]} */
  const columns = [
    { key: 'name', title: 'Microservice', width: 12, sort: (row) => model.nameOf('microservices', row),
      cell: (row) => html`<a href=${hrefOf(app, 'microservices', row)}><span class="of">${
        model.rows.applications.get(row.application_id)?.name}/</span>${row.name}</a>` },
    { key: 'state', title: 'State', width: 9, sort: (row) => CONDITIONS.indexOf(conditionOf(row, nodeOf(row))),
      cell: (row) => conditionBadge(app, row) },
    { key: 'reason', title: 'Why', width: 12.5, sort: (row) => noteOf(row, nodeOf(row)),
      cell: (row) => noteOf(row, nodeOf(row)) },
    { key: 'node', title: 'Node', width: 7.5, sort: (row) => nodeOf(row)?.name,
      cell: (row) => linkTo(app, 'nodes', row.node_id) },
    { key: 'since', title: 'Since', width: 5.5, sort: (row) => -Date.parse(row.at), cell: (row) => when(app, row.at) },
    { key: 'restarts', title: 'Restarts', width: 6, number: true, sort: (row) => row.restarts ?? 0,
      cell: (row) => row.restarts || html`<span class="quiet">–</span>` },
  ];
  if (app.moment.live) {
    columns.push(
      { key: 'cpu', title: 'CPU', width: 4.5, number: true, sort: (row) => usage(row)?.cpu_percent,
        cell: (row) => known(usage(row) && runs(row) ? usage(row)?.cpu_percent ?? 0 : undefined, percent) },
      { key: 'memory', title: 'Memory', width: 5.5, number: true, sort: (row) => usage(row)?.memory_mib,
        cell: (row) => known(usage(row) && runs(row) ? usage(row)?.memory_mib ?? 0 : undefined, mebibytes) },
    );
  }
  columns.push(
    { key: 'image', title: 'Image', width: 12, sort: (row) => row.image,
      cell: (row) => html`<code>${row.image}</code>` },
    { key: 'ports', title: 'Ports', width: 6,
      cell: (row) => (row.ports ?? []).map((each) => `${each.host}→${each.container}`).join(', ') },
  );
  return columns;
}

/** @param {Microservice} row */
const runs = (row) => row.state === 'running';

/**
 * @param {number | undefined} value
 * @param {(value: number) => string} written
 */
const known = (value, written) => (value === undefined ? html`<span class="quiet">–</span>` : written(value));

/**
 * @param {App} app
 * @param {Microservice} row
 */
function conditionBadge(app, row) {
  const condition = conditionOf(row, app.model.rows.nodes.get(row.node_id));
  const pulled = condition === 'pulling' ? app.model.containerUsage.get(row.id)?.pull_percent : undefined;
  return stateBadge(pulled === undefined ? condition : `pulling ${Math.round(pulled)} %`,
    pulled === undefined ? undefined : 'busy');
}

/** @param {App} app */
export function microservices(app) {
  const { model } = app;
  const nodeOf = (/** @type {Microservice} */ row) => model.rows.nodes.get(row.node_id);
  return listing(app, {
    title: 'Microservices', of: 'microservices', stamp: String(model.version),
    rows: model.derived('microservices as a list', () => [...model.rows.microservices.values()]),
    key: (row) => row.id,
    text: (row) => `${model.nameOf('microservices', row)} ${row.image ?? ''} ${nodeOf(row)?.name ?? ''} ${
      row.state} ${row.reason ?? ''} ${(row.ports ?? []).map((each) => each.host).join(' ')}`,
    facets: [
      { key: 'state', title: 'State', chips: true, order: CONDITIONS,
        values: (row) => [conditionOf(row, nodeOf(row))] },
      { key: 'application', title: 'Application',
        values: (row) => [model.rows.applications.get(row.application_id)?.name ?? row.application_id] },
      { key: 'node', title: 'Node', values: (row) => [nodeOf(row)?.name ?? row.node_id] },
      { key: 'label', title: 'Label of node', values: (row) => labelTexts(nodeOf(row)?.labels) },
      { key: 'arch', title: 'Architecture', values: (row) => {
        const architecture = nodeOf(row)?.architecture;
        return architecture ? [architecture] : [];
      } },
      { key: 'image', title: 'Image', values: (row) => (row.image ? [row.image] : []) },
    ],
    sort: 'name',
    href: (row) => hrefOf(app, 'microservices', row),
    acts: deployButton(app),
    columns: microserviceColumns(app),
    empty: nothingYet({
      title: 'No microservices yet',
      what: 'A microservice is a container on a node. It is part of an application, whose manifest says it.',
      commands: ['ecn deploy -f shop.yaml'], button: deployButton(app),
    }),
  });
}

