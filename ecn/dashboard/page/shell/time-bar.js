/** The slider over the whole log, under every view: what is shown, how to go elsewhere, the film. */

import { html, svg, nothing, guard, live } from '../core/html.js';
import { count, exactTime } from '../core/format.js';
import { rates, timeAt } from '../core/extent.js';
import { SPEEDS } from '../core/film.js';
import { icon } from './icons.js';
import { askForMoment } from './moment-dialog.js';

/** @import { App } from '../core/app.js' */
/** @import { Point } from '../core/extent.js' */

const KEY = 'ecn.time-bar';
const HEIGHT = 100;
const TICKS = 5;
/** Parts of the log that Page ↑ and Page ↓ go over. */
const PAGE = 100;

/** Whether the slider is there: else its place is the content's. */
let open = (localStorage.getItem(KEY) ?? (innerWidth > 720 ? 'open' : 'shut')) === 'open';

/** Whether somebody sees the slider, so that what it shows has to be known. */
export const sliderShown = () => open;

/** @param {App} app */
export function timeBar(app) {
  const { moment } = app;
  const { film } = moment;
  const toggle = () => {
    open = !open;
    localStorage.setItem(KEY, open ? 'open' : 'shut');
    app.changed();
  };
  /** @param {Event} event */
  const speed = (event) => {
    const chosen = SPEEDS[/** @type {HTMLSelectElement} */ (event.target).selectedIndex];
    if (chosen) film.at(chosen);
  };
  return html`
    <section class="time-bar ${open ? '' : 'shut'} ${film.playing ? 'playing' : ''}" aria-label="Moment">
      <div class="time-row">
        <button type="button" class="plain icon-only" aria-label=${film.playing ? 'Pause' : 'Play history'}
          title=${film.playing ? 'Pause' : moment.live ? 'Play what happened lately' : 'Play from here to now'}
          @click=${() => (film.playing ? moment.pause() : moment.play())}>${icon(film.playing ? 'pause' : 'play')}</button>
        <button type="button" class="plain icon-only" aria-label="One event back" ?disabled=${moment.position <= 0}
          @click=${() => moment.step(-1)}>${icon('back')}</button>
        <button type="button" class="plain icon-only" aria-label="One event forward" ?disabled=${moment.live}
          @click=${() => moment.step(1)}>${icon('forward')}</button>
        <button type="button" class="plain shown-moment" aria-haspopup="dialog" title="Go to another moment"
          @click=${() => askForMoment(app)}>${shownMoment(app)}</button>
        <label class="speed"><span class="only-read-aloud">Speed of the film</span>
          <select @change=${speed}>
            ${SPEEDS.map((each) => html`<option ?selected=${each === film.speed}>${each.name}</option>`)}
          </select></label>
        <button type="button" class="primary now" ?disabled=${moment.live}
          @click=${() => moment.now()}>Now</button>
        <button type="button" class="plain icon-only" aria-expanded=${open ? 'true' : 'false'} aria-controls="time-track"
          aria-label=${open ? 'Hide the slider' : 'Show the slider'} @click=${toggle}>${icon(open ? 'down' : 'up')}</button>
      </div>
      <div class="time-track" id="time-track" ?hidden=${!open}>${open ? track(app) : nothing}</div>
    </section>`;
}

/** @param {App} app */
function shownMoment({ moment, model }) {
  const position = moment.wanted ?? model.position;
  if (moment.live && moment.wanted === null) return html`<b>Now</b> <span class="quiet">position ${count(position)}</span>`;
  // On the way to another moment, what is about its time.
  const time = moment.wanted === null ? Date.parse(model.time ?? '') || null
    : timeAt(moment.extent.points, position);
  return html`<b>${time === null ? 'The beginning' : shown.format(time)}</b>
    <span class="quiet">position ${count(position)}${
      moment.end > position ? html` of ${count(moment.end)}` : nothing}</span>`;
}

/** @param {App} app */
function track(app) {
  const { moment, model } = app;
  const { end } = moment;
  const place = moment.wanted ?? (moment.live ? end : model.position);
  const points = moment.extent.upTo(moment.live ? model.position : 0, model.time);
  const time = moment.wanted === null ? model.time : iso(timeAt(points, place));
  /** @param {Event} event */
  const dragged = (event) => {
    const position = Number(/** @type {HTMLInputElement} */ (event.target).value);
    if (position < end) moment.seek(position);
    else if (!moment.live) moment.now();
  };
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const far = Math.max(10, Math.round(end / PAGE));
    const step = { PageUp: far, PageDown: -far }[event.key];
    if (!step) return;
    event.preventDefault();
    if (place + step >= end) {
      if (!moment.live) moment.now();
    } else moment.step(step);
  };
  return html`
    <div class="time-field">
      <svg class="rates" viewBox="0 0 1000 ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${guard([points, end], () => histogram(points, end))}
      </svg>
      <svg class="to-come" aria-hidden="true"><rect x="${part(place, end)}%" width="${100 - part(place, end)}%" height="100%"></rect></svg>
      <input type="range" min="0" max=${end} step="1" .value=${live(String(place))} aria-label="Moment"
        aria-valuetext=${moment.live ? 'Now' : `Position ${place}${time ? `, ${exactTime(time)}` : ''}`}
        @input=${dragged} @keydown=${pressed}>
    </div>
    <svg class="ticks" aria-hidden="true">${guard([points, end], () => ticks(points, end))}</svg>`;
}

/** @param {number} position @param {number} end */
const part = (position, end) => (end > 0 ? (100 * position) / end : 100);

/** @param {number | null} time */
const iso = (time) => (time === null ? undefined : new Date(time).toISOString());

/**
 * How fast events came, as one path.
 * @param {readonly Point[]} points
 * @param {number} end
 */
function histogram(points, end) {
  const bars = rates(points).map(({ from, to, height }) =>
    `M${Math.round(10 * part(from, end))} ${HEIGHT}V${Math.round(HEIGHT * (1 - 0.8 * height))}H${Math.round(10 * part(to, end))}V${HEIGHT}z`);
  return svg`<path d=${bars.join('')}></path>`;
}

/**
 * Times along the slider: with their day where it is another one than before.
 * @param {readonly Point[]} points
 * @param {number} end
 */
function ticks(points, end) {
  let before = '';
  return Array.from({ length: TICKS }, (_, index) => {
    const position = Math.round((index * end) / (TICKS - 1));
    const time = timeAt(points, position);
    if (time === null) return nothing;
    const date = new Date(time);
    const day = date.toDateString();
    const text = day === before ? clock.format(date) : dayAndClock.format(date);
    before = day;
    const anchor = index === 0 ? 'start' : index === TICKS - 1 ? 'end' : 'middle';
    return svg`<text x="${part(position, end)}%" y="12" text-anchor=${anchor}>${text}</text>`;
  });
}

const shown = new Intl.DateTimeFormat(undefined,
  { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', second: '2-digit' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dayAndClock = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });
