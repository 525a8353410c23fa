/** All nodes: who is there, and how its device is. */

import { html } from '../core/html.js';
import { conditionOf } from '../core/condition.js';
import { newNode } from '../acts/index.js';
import { hrefOf, labelTexts, tokens } from '../parts/links.js';
import { listing } from '../parts/listing.js';
import { meter, usedMeter, usedShare } from '../parts/meter.js';
import { nothingYet } from '../parts/nothing-yet.js';
import { stateBadge } from '../parts/state.js';
import { when } from '../parts/time.js';

/** @import { App } from '../core/app.js' */
/** @import { Node } from '../core/types.js' */
/** @import { Facet } from '../core/facets.js' */
/** @import { Column } from '../parts/table.js' */

const STATES = ['online', 'registered', 'offline'];

/** @type {Facet<Node>[]} */
const FACETS = [
  { key: 'state', title: 'State', chips: true, order: STATES, values: (row) => [row.state] },
  { key: 'label', title: 'Label', values: (row) => labelTexts(row.labels) },
  { key: 'tag', title: 'Tag', values: (row) => row.tags ?? [] },
  { key: 'arch', title: 'Architecture', values: (row) => (row.architecture ? [row.architecture] : []) },
  { key: 'os', title: 'System', values: (row) => (row.operating_system ? [row.operating_system] : []) },
  { key: 'agent', title: 'Agent', values: (row) => (row.agent_version ? [row.agent_version] : []) },
  { key: 'problem', title: 'Problem', values: (row) => (row.problems?.length ? ['yes'] : []) },
];

/** @param {App} app */
export function nodes(app) {
  const { model } = app;
  return listing(app, {
    title: 'Nodes', of: 'nodes', stamp: String(model.version),
    rows: model.derived('nodes as a list', () => [...model.rows.nodes.values()]),
    key: (row) => row.id,
    text: (row) => `${row.name} ${row.state} ${row.description ?? ''} ${row.location ?? ''} ${
      labelTexts(row.labels).join(' ')} ${(row.tags ?? []).join(' ')} ${row.operating_system ?? ''} ${
      row.architecture ?? ''} ${row.agent_version ?? ''} ${(row.problems ?? []).join(' ')}`,
    facets: FACETS,
    sort: 'name',
    href: (row) => hrefOf(app, 'nodes', row),
    acts: newNode(app),
    columns: columns(app),
    empty: nothingYet({
      title: 'No nodes yet',
      what: 'A node is the place of a device. Make one, then run the agent on the device with its key.',
      commands: ['ecn create node kiosk-7', 'ecn provision-key kiosk-7'], button: newNode(app),
    }),
  });
}

/**
 * @param {App} app
 * @returns {Column<Node>[]}
 */
function columns(app) {
  const { model } = app;
  const members = (/** @type {Node} */ row) => model.byNode.get(row.id) ?? [];
  const running = (/** @type {Node} */ row) =>
    members(row).filter((each) => conditionOf(each, row) === 'running').length;
  const usage = (/** @type {Node} */ row) =>
    (row.state === 'online' ? model.nodeUsage.get(row.id) : undefined);
  /** @type {Column<Node>[]} */
  const first = [
    { key: 'name', title: 'Node', width: 9, sort: (row) => row.name,
      cell: (row) => html`<a href=${hrefOf(app, 'nodes', row)}>${row.name}</a>` },
    { key: 'state', title: 'State', width: 8, sort: (row) => STATES.indexOf(row.state),
      cell: (row) => stateBadge(row.state) },
    { key: 'since', title: 'Since', width: 5.5, sort: (row) => -Date.parse(row.since), cell: (row) => when(app, row.since) },
    { key: 'running', title: 'Running', width: 6, number: true, sort: running,
      cell: (row) => html`${running(row)} <span class="quiet">of ${members(row).length}</span>` },
    { key: 'problems', title: 'Problem', width: 7.5, sort: (row) => row.problems?.[0] ?? row.offline_reason,
      cell: (row) => row.problems?.join('; ') ?? row.offline_reason ?? '' },
  ];
  /** @type {Column<Node>[]} of now only */
  const telemetry = [
    { key: 'cpu', title: 'CPU', width: 7.25, number: true, sort: (row) => usage(row)?.cpu_percent,
      cell: (row) => meter(share(usage(row)?.cpu_percent), `${row.cpus ?? '?'} CPUs`) },
    { key: 'memory', title: 'Memory', width: 7.5, number: true,
      sort: (row) => usedShare(usage(row)?.memory_available_mib, row.memory_mib),
      cell: (row) => usedMeter(usage(row)?.memory_available_mib, row.memory_mib) },
    { key: 'disk', title: 'Disk', width: 7.5, number: true,
      sort: (row) => usedShare(usage(row)?.disk_free_mib, row.disk_mib),
      cell: (row) => usedMeter(usage(row)?.disk_free_mib, row.disk_mib) },
    { key: 'seen', title: 'Seen', width: 5.5, sort: (row) => heard(app, row),
      cell: (row) => when(app, model.nodeUsage.get(row.id)?.at) },
  ];
  return [
    ...first,
    ...(app.moment.live ? telemetry : []),
    { key: 'arch', title: 'Architecture', width: 7, sort: (row) => row.architecture, cell: (row) => row.architecture ?? '' },
    { key: 'os', title: 'System', width: 10, sort: (row) => row.operating_system, cell: (row) => row.operating_system ?? '' },
    { key: 'agent', title: 'Agent', width: 5.5, sort: (row) => row.agent_version, cell: (row) => row.agent_version ?? '' },
    { key: 'labels', title: 'Labels', width: 13, cell: (row) => tokens([...labelTexts(row.labels), ...(row.tags ?? [])]) },
  ];
}

/** @param {number | undefined} of percent */
const share = (of) => (of === undefined ? undefined : of / 100);

/**
 * @param {App} app
 * @param {Node} row
 */
function heard(app, row) {
  const at = app.model.nodeUsage.get(row.id)?.at;
  return at === undefined ? undefined : -Date.parse(at);
}

