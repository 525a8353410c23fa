/** The list of every kind: which there are, in the order and the groups of the navigation. */

import { applications } from './lists-applications.js';
import { catalogItems, edgeResources, registries, templates, volumes } from './lists-sources.js';
import { masterKeys, sessions, users } from './lists-access.js';
import { microservices } from './lists-microservices.js';
import { network } from './lists-network.js';
import { nodes } from './lists-nodes.js';
import { publicPorts, routers } from './lists-routers.js';
import { routes } from './lists-routes.js';

/** @import { App } from '../core/app.js' */
/** @import { Kind } from '../core/types.js' */
/** @import { TemplateResult } from '../vendor/lit-html/lit-html.js' */

/**
 * @typedef {object} List
 * @property {string} path
 * @property {string} title
 * @property {string} group
 * @property {Kind} [kind] none: it is no row of the model, and nothing has a page of its own
 * @property {'admin'} [role] who may see it
 * @property {(app: App) => TemplateResult} show
 */

/** @type {readonly List[]} */
export const LISTS = [
  { group: 'Applications', path: 'applications', title: 'Applications', kind: 'applications', show: applications },
  { group: 'Applications', path: 'microservices', title: 'Microservices', kind: 'microservices', show: microservices },
  { group: 'Applications', path: 'routes', title: 'Routes', kind: 'routes', show: routes },
  { group: 'Applications', path: 'public-ports', title: 'Public ports', show: publicPorts },
  { group: 'Devices', path: 'nodes', title: 'Nodes', kind: 'nodes', show: nodes },
  { group: 'Devices', path: 'routers', title: 'Routers', show: routers },
  { group: 'Devices', path: 'edge-resources', title: 'Edge resources', kind: 'edge_resources', show: edgeResources },
  { group: 'Devices', path: 'volumes', title: 'Volumes', kind: 'volumes', show: volumes },
  { group: 'Sources', path: 'catalog-items', title: 'Catalog', kind: 'catalog_items', show: catalogItems },
  { group: 'Sources', path: 'templates', title: 'Templates', kind: 'templates', show: templates },
  { group: 'Sources', path: 'registries', title: 'Registries', kind: 'registries', show: registries },
  { group: 'Administration', path: 'network', title: 'Network', kind: 'network', show: network },
  { group: 'Administration', path: 'sessions', title: 'Sessions', show: sessions },
  { group: 'Administration', path: 'users', title: 'Users', role: 'admin', show: users },
  { group: 'Administration', path: 'master-keys', title: 'Master keys', role: 'admin', show: masterKeys },
];
