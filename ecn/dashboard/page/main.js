/** Starts the page: who looks, which moment, and then each drawing. */

import { Api, Problem } from './core/api.js';
import { oncePerFrame } from './core/app.js';
import { html, nothing, render } from './core/html.js';
import { Location } from './core/location.js';
import { Model } from './core/model.js';
import { Moment } from './core/moment.js';
import { listen } from './shell/keys.js';
import { notices } from './shell/notices.js';
import { Overlay } from './shell/overlay.js';
import { page } from './shell/page.js';
import { loginOver, loginPage, takeLink } from './shell/login.js';
import { put } from './shell/theme.js';
import { sliderShown } from './shell/time-bar.js';

/** @import { App } from './core/app.js' */

const root = /** @type {HTMLElement} */ (document.getElementById('root'));
const overlay = new Overlay(/** @type {HTMLElement} */ (document.getElementById('overlay')));
const TICK = 1000;
/** Milliseconds after which a controller that is not there is asked again who looks. */
const AWAY = 2000;
/** Milliseconds between two names of a moment that is dragged or played: browsers refuse more. */
const NAMED = 400;

put();

const api = new Api();
const model = new Model();
const draw = oncePerFrame(() => {
  const { moment } = app;
  app.now = moment.live ? Date.now() + moment.connection.ahead : Date.parse(model.time ?? new Date().toISOString());
  render(
    app.session
      ? html`${page(app)}${app.expired ? loginOver(app, begin) : nothing}`
      : loginPage(app, begin),
    root,
  );
  overlay.draw();
  // For tests, and for styles that tell then from now.
  Object.assign(document.documentElement.dataset, {
    position: String(model.position),
    moment: moment.live ? 'now' : 'then',
    link: moment.link,
  });
  dispatchEvent(new Event('drawn'));
});

/** @type {App} */
const app = {
  api,
  model,
  location: new Location(() => {
    follow();
    draw();
  }),
  moment: new Moment(api, model, {
    changed: draw,
    moved: (position) => (position === null ? backToNow() : nameSoon()),
    failed,
  }),
  session: null,
  expired: false,
  now: Date.now(),
  show: (dialog) => overlay.show(dialog),
  close: () => overlay.close(),
  tell: notices(draw),
  changed: draw,
};

api.loggedOut = () => {
  api.csrfToken = '';
  // What was looked at stays, under the question who looks now.
  app.expired = app.session !== null;
  app.moment.leave();
  draw();
};

/** What the URL said last of the moment: only what is new there moves the page. */
let named = app.location.query.get('at');

/** Show the moment that the URL names, if it is another than before. */
function follow() {
  const at = app.location.query.get('at');
  if (at === named || !app.session) return;
  named = at;
  void show(at);
}

/** @param {string | null} at as in the URL: a position, a time, or none for now */
async function show(at) {
  try {
    await app.moment.to(at);
    // A time was asked for: from here on links name the position that it means.
    if (at !== null && !/^\d+$/.test(at)) name(app.moment.position);
  } catch (error) {
    failed(/** @type {Error} */ (error));
    if (app.moment.live || !model.loaded) app.location.set({ at: null }, { replace: true });
    else name(app.moment.position);
  }
}

/** @param {number} position that is shown already, and that the URL is to name */
function name(position) {
  // The way back leads to now; what was dragged over is no place to come back to.
  const replace = named !== null;
  named = String(position);
  app.location.set({ at: named }, { replace });
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let naming;

/** Name what is shown, as soon as that may be done again. */
function nameSoon() {
  if (named === null) return name(app.moment.position);
  naming ??= setTimeout(() => {
    naming = undefined;
    if (!app.moment.live) name(app.moment.position);
  }, NAMED);
}

/** Also where the moment was not named yet. */
function backToNow() {
  if (named === null) void show(null);
  else app.location.set({ at: null });
}

/** @param {Error} error */
function failed(error) {
  const step = error instanceof Problem ? error.nextStep : '';
  app.tell([error.message, step].filter(Boolean).join('. '), { bad: true });
}

/** As soon as somebody is logged in. */
async function begin() {
  // Nobody to ask about: this spares a refusal in the console.
  if (!api.csrfToken) return draw();
  try {
    app.session = await api.get('/session');
    app.expired = false;
    api.csrfToken = app.session?.csrf_token ?? '';
    named = app.location.query.get('at');
    await show(named);
  } catch (error) {
    if (app.session) failed(/** @type {Error} */ (error));
    else if (error instanceof Problem && error.status !== 401) setTimeout(begin, AWAY);
  }
  draw();
}

listen(app);
setInterval(() => {
  draw();
  const needed = sliderShown() || !app.moment.live;
  if (app.session && !app.expired && needed && !document.hidden) void app.moment.look();
}, TICK);
// A link may also be opened where the page is open already.
addEventListener('hashchange', () => void takeLink(app).then((taken) => (taken ? begin() : undefined)));
await takeLink(app);
await begin();

// For tests, which compare what the page knows with what the controller says.
export { app };
