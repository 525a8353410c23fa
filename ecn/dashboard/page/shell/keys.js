/** What keys do everywhere. Single letters do it only outside of fields, and not if they were switched off. */

import { goTo } from './go-to.js';
import { help } from './help.js';

/** @import { App } from '../core/app.js' */

const KEY = 'ecn.letters';

/** @type {readonly {keys: string[], does: string, act: (app: App) => void}[]} */
export const KEYS = [
  { keys: ['/'], does: 'Go to a view, a node, an application, a microservice, a route', act: goTo },
  { keys: ['?'], does: 'This help', act: help },
  { keys: ['['], does: 'One event back', act: (app) => app.moment.step(-1) },
  { keys: [']'], does: 'One event forward', act: (app) => app.moment.live || app.moment.step(1) },
  { keys: ['p'], does: 'Play history, or pause', act: (app) =>
    (app.moment.film.playing ? app.moment.pause() : void app.moment.play()) },
  { keys: ['n'], does: 'Now', act: (app) => app.moment.live || app.moment.now() },
];

/** Whether single letters do something: who speaks to the machine may not want it. */
export const letters = () => localStorage.getItem(KEY) !== 'off';

/** @param {boolean} on */
export const setLetters = (on) => (on ? localStorage.removeItem(KEY) : localStorage.setItem(KEY, 'off'));

/** @param {App} app */
export function listen(app) {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || !app.session || document.querySelector('dialog[open]')) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      goTo(app);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !letters() || typing(event.target)) return;
    const found = KEYS.find((each) => each.keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.act(app);
  });
}

/** @param {EventTarget | null} target */
function typing(target) {
  return target instanceof HTMLElement && (target.isContentEditable ||
    target.matches('textarea, select, input:not([type=range], [type=checkbox], [type=radio], [type=button])'));
}
