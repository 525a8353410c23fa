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
  app.now = app.moment.live ? Date.now() : Date.parse(model.time ?? new Date().toISOString());
  render(app.session ? page(app) : loginPage(app, begin), root);
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
  app.session = null;
  draw();
};

/** Show the moment that the URL names. */
function follow() {
  const at = app.location.query.get('at');
  const wanted = at === null ? null : Number(at);
  if (wanted === null ? app.moment.live : !app.moment.live && wanted === app.moment.position) return;
  app.moment.to(wanted).catch((error) => app.tell(String(error.message), { bad: true }));
}

/** As soon as somebody is logged in. */
async function begin() {
  try {
    app.session = await api.get('/session');
    api.csrfToken = app.session?.csrf_token ?? '';
    const at = app.location.query.get('at');
    await app.moment.to(at === null ? null : Number(at));
  } catch (error) {
    if (app.session) app.tell(String(/** @type {Error} */ (error).message), { bad: true });
  }
  draw();
}

setInterval(draw, TICK);
await begin();
