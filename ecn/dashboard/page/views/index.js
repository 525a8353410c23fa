/** All views: by the first part of their path. */

import { application } from './application.js';
import { deploy } from './deploy.js';
import { microservice } from './microservice.js';
import { node } from './node.js';
import { overview } from './overview.js';
import { route } from './route.js';
import { LISTS } from './lists.js';
import { thing } from './thing.js';
import { timeline } from './timeline.js';
import { topology } from './topology.js';

/** @import { App } from '../core/app.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/**
 * @typedef {object} View
 * @property {string} path
 * @property {string} title
 * @property {boolean} [nav] whether the navigation names it
 * @property {string} [group] of the navigation; those without stand first, by themselves
 * @property {'admin'} [role] only who has it finds it in the navigation
 * @property {(app: App, rest: string[]) => TemplateResult} show
 */

/** @type {View[]} */
export const VIEWS = [
  { path: '', title: 'Overview', nav: true, show: overview },
  { path: 'topology', title: 'Topology', nav: true, show: topology },
  { path: 'timeline', title: 'Timeline', nav: true, show: timeline },
  { path: 'deploy', title: 'Deploy', nav: true, show: deploy },
  ...LISTS.map((list) => ({
    path: list.path,
    title: list.title,
    nav: true,
    group: list.group,
    ...(list.role ? { role: list.role } : {}),
    /** @type {View['show']} */
    show: (app, rest) => (rest.length && list.kind ? detail(app, list.path, rest) : list.show(app)),
  })),
];

/**
 * One thing of a kind that has lists.
 * @param {App} app
 * @param {string} path
 * @param {string[]} rest
 */
function detail(app, path, rest) {
  switch (path) {
    case 'nodes': return node(app, rest);
    case 'applications': return application(app, rest);
    case 'microservices': return microservice(app, rest);
    case 'routes': return route(app, rest);
    default: return thing(app, path, rest);
  }
}
