/** What has to be said over the content when it is of the past: when that was, what happened, what differs. */

import { html, nothing } from '../core/html.js';
import { count, exactTime } from '../core/format.js';
import { eventSentence } from '../parts/event.js';
import { icon } from './icons.js';

/** @import { App } from '../core/app.js' */

/** @param {App} app */
export function thenBanner(app) {
  const { moment, model } = app;
  return html`
    <p class="only-read-aloud" role="status">${moment.live ? nothing : 'The past is shown.'}</p>
    ${moment.live ? nothing : html`
      <section class="then" aria-label="The past">
        <div class="then-words">
          <p>${icon('timeline')}<span>You see the network as it was
            ${model.time ? html`at <time datetime=${model.time}>${exactTime(model.time)}</time>` : 'before anything happened'}</span></p>
          <p class="then-event">Position ${count(model.position)}${
            moment.event ? html`: ${eventSentence(app, moment.event)}` : nothing}</p>
        </div>
        <div class="row then-ways">
          <button type="button" aria-expanded=${moment.differences.open ? 'true' : 'false'} aria-controls="differences"
            @click=${() => moment.compare(!moment.differences.open)}>${icon('compare')} What differs from now</button>
          <button type="button" class="primary" @click=${() => moment.now()}>Back to now</button>
        </div>
      </section>`}`;
}
