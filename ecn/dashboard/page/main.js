/** Starts the page: who looks, which moment, and then each drawing. */

import { Api } from './core/api.js';
import { oncePerFrame } from './core/app.js';
import { nothing, render } from './core/html.js';
import { Location } from './core/location.js';
import { Model } from './core/model.js';
import { Moment } from './core/moment.js';
import { notices } from './shell/notices.js';
import { page } from './shell/page.js';
import { loginPage } from './shell/login.js';

/** @import { App } from './core/app.js' */

const root = /** @type {HTMLElement} */ (document.getElementById('root'));
const overlay = /** @type {HTMLElement} */ (document.getElementById('overlay'));
const TICK = 1000;

const api = new Api();
const model = new Model();
const draw = oncePerFrame(() => {
  const { moment } = app;
  app.now = moment.live ? Date.now() : Date.parse(model.time ?? new Date().toISOString());
  render(app.session ? page(app) : loginPage(app, begin), root);
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
  moment: new Moment(api, model, draw),
  session: null,
  now: Date.now(),
  show: (dialog) => render(dialog, overlay),
  close: () => render(nothing, overlay),
  tell: notices(draw),
  changed: draw,
};

api.loggedOut = () => {
  api.csrfToken = '';
  app.session = null;
  app.moment.end();
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
    app.tell(/** @type {Error} */ (error).message, { bad: true });
    if (app.moment.live || !model.loaded) app.location.set({ at: null }, { replace: true });
    else name(app.moment.position);
  }
}

/** @param {number} position that is shown already, and that the URL is to name */
function name(position) {
  named = String(position);
  app.location.set({ at: named }, { replace: true });
}

/** As soon as somebody is logged in. */
async function begin() {
  // Nobody to ask about: this spares a refusal in the console.
  if (!api.csrfToken) return draw();
  try {
    app.session = await api.get('/session');
    api.csrfToken = app.session?.csrf_token ?? '';
    named = app.location.query.get('at');
    await show(named);
  } catch (error) {
    if (app.session) app.tell(String(/** @type {Error} */ (error).message), { bad: true });
  }
  draw();
}

setInterval(draw, TICK);
await begin();
