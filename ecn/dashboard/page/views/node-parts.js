/** What is known of a node's device, in figures and cards. */

import { html, nothing } from '../core/html.js';
import { count, exactTime, mebibytes, percent } from '../core/format.js';
import { card, figures } from '../parts/details.js';
import { facts, fields, isEmpty } from '../parts/fields.js';
import { stateBadge } from '../parts/state.js';
import { momentLink } from '../parts/subject.js';
import { when } from '../parts/time.js';
import { trend } from '../parts/trend.js';
import { tally } from './containers.js';

/** @import { App } from '../core/app.js' */
/** @import { Node } from '../core/types.js' */

/** @typedef {Record<string, any>} NodeDocument as ecn/api/documents.py says */

/** @param {Node} row */
export const problems = (row) => !row.problems?.length ? nothing
  : html`<div class="note bad"><strong>Its device says:</strong>
      <ul>${row.problems.map((each) => html`<li>${each}</li>`)}</ul></div>`;

/**
 * @param {App} app
 * @param {Node} row
 */
export function usageFigures(app, row) {
  const own = app.model.byNode.get(row.id) ?? [];
  const usage = app.moment.live && row.state === 'online' ? app.model.nodeUsage.get(row.id) : undefined;
  const memory = used(row.memory_mib, usage?.memory_available_mib);
  const disk = used(row.disk_mib, usage?.disk_free_mib);
  /** @param {string} title @param {number | undefined} value @param {(amount: number) => string} text @param {number} [most] */
  const line = (title, value, text, most) => /** @type {[string, unknown]} */ ([title, trend({
    key: `${row.id} ${title}`, title, value, text: text(value ?? 0), most,
    ...(most && text !== percent ? { of: text(most) } : {}),
    ...(usage?.at ? { at: usage.at } : {}),
  })]);
  return figures([
    ['Microservices', own.length ? tally(own) : html`<span class="quiet">none</span>`, true],
    ...(app.moment.live ? [
      line('CPU', usage?.cpu_percent ?? undefined, percent, 100),
      line('Memory', memory, mebibytes, row.memory_mib || undefined),
      line('Disk', disk, mebibytes, row.disk_mib || undefined),
    ] : []),
  ]);
}

/**
 * @param {number | undefined} all
 * @param {number | null | undefined} free
 */
const used = (all, free) => all && free !== undefined && free !== null ? Math.max(0, all - free) : undefined;

/**
 * @param {App} app
 * @param {Node} row
 * @param {NodeDocument} it
 */
export function device(app, row, it) {
  const { settings, facts: device } = it;
  return html`
    ${card('Device', facts([
      ['Host', device.host_name],
      ['Architecture', device.architecture],
      ['System', device.operating_system],
      ['Kernel', device.kernel],
      ['Cores', device.cpus || ''],
      ['Memory', device.memory_mib ? mebibytes(device.memory_mib) : ''],
      ['Disk', device.disk_mib ? mebibytes(device.disk_mib) : ''],
      ['Engine', device.engine_version],
      ['Agent', device.agent_version],
    ], html`<p class="quiet">Nothing is known of its device yet.</p>`))}
    ${card('Place', facts([
      ['Location', settings.location],
      ['Coordinates', settings.latitude === null ? '' : `${settings.latitude}, ${settings.longitude}`],
      ['Reached as', settings.host],
      ['Platform', settings.platform],
      ['Tags', settings.tags.join(', ')],
      ['Last heard', app.moment.live && it['last_seen'] ? when(app, it['last_seen']) : ''],
      ['Registered', exactTime(row.created_at)],
      ['Changed', exactTime(row.updated_at)],
    ]))}
    ${isEmpty(settings.labels) ? nothing : card('Labels', fields(app, settings.labels, { asIs: true }))}
    ${settings.router ? card('Router', fields(app, settings.router)) : nothing}
    ${usage(app, it)}
    ${instructions(app, it)}`;
}

/**
 * @param {App} app
 * @param {NodeDocument} it
 */
function usage(app, it) {
  if (!it['usage'] || !app.moment.live) return nothing;
  const said = app.model.nodeUsage.get(it['id']) ?? it['usage'];
  return card('Agent now', facts([
    ['CPU', html`${percent(said.agent_cpu_percent ?? 0)} <span class="quiet">of one core</span>`],
    ['Memory', mebibytes(said.agent_memory_mib ?? 0)],
    ['Told', said.at ? when(app, said.at) : ''],
  ]));
}

/**
 * What it was told to do, and what became of that.
 * @param {App} app
 * @param {NodeDocument} it
 */
function instructions(app, it) {
  const open = /** @type {{told_at: number, instruction: string, version: string}[]} */ (it['instructions']);
  const done = /** @type {{told_at: number, instruction: string, outcome: string, detail: string, at: string}[]} */ (it['outcomes']);
  if (!open.length && !done.length) return nothing;
  return card('Instructions', html`<ul class="values">
    ${open.map((each) => html`<li>${stateBadge('waiting')} ${each.instruction}${each.version ? ` to ${each.version}` : ''}
      <span class="quiet">told with event ${momentLink(app, each.told_at, count(each.told_at))}</span></li>`)}
    ${[...done].reverse().map((each) => html`<li>${stateBadge(each.outcome, each.outcome === 'done' ? 'good' : 'bad')}
      ${each.instruction} <span class="quiet">${when(app, each.at)}, told with event
      ${momentLink(app, each.told_at, count(each.told_at))}</span>${each.detail ? html`<div class="quiet">${each.detail}</div>` : nothing}</li>`)}
  </ul>`);
}
