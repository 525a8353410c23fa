/** How to begin, for a network in which nothing runs yet; what is done already is ticked. */

import { html, nothing } from '../core/html.js';
import { deployButton, newNode } from '../acts/index.js';
import { copyButton } from '../parts/copy.js';

/** @import { App } from '../core/app.js' */

/**
 * @typedef {object} Step
 * @property {boolean} done
 * @property {string} title
 * @property {string} what
 * @property {string} [command]
 * @property {unknown} [button]
 */

/**
 * @param {App} app
 * @returns {Step[]} all of them, done or not
 */
function stepsOf(app) {
  const nodes = [...app.model.rows.nodes.values()].filter((each) => !each.system);
  const applications = [...app.model.rows.applications.values()].filter((each) => !each.system);
  const [waiting] = nodes.filter((each) => each.state === 'registered');
  return [
    { done: nodes.length > 0, title: 'Make a node', command: 'ecn create node kiosk-7', button: newNode(app),
      what: 'A node is the place of a device in this network.' },
    { done: nodes.some((each) => each.state !== 'registered'), title: 'Run the agent on its device',
      command: `ecn provision-key ${waiting?.name ?? 'kiosk-7'}`,
      what: 'This gives a key that is good for one device, and says what to run there. The device then becomes the node.' },
    { done: applications.length > 0, title: 'Deploy an application', command: 'ecn deploy -f shop.yaml',
      button: deployButton(app), what: 'A manifest says which containers run on which nodes.' },
    { done: [...app.model.rows.microservices.values()].some((each) => each.state === 'running'),
      title: 'See it run', what: 'Its node pulls the images and starts them; this page follows.' },
  ];
}

/**
 * Whether there is something to begin: as long as no application runs, and never in a network that grew.
 * @param {App} app
 */
export const beginning = (app) => app.model.rows.microservices.size === 0 ||
  (app.model.rows.nodes.size <= 3 && stepsOf(app).some((each) => !each.done));

/** @param {App} app */
export function firstSteps(app) {
  const steps = stepsOf(app);
  const next = steps.find((each) => !each.done);
  return html`
    <section class="card first-steps" aria-labelledby="first-steps">
      <h2 id="first-steps">${steps.some((each) => each.done) ? 'On the way' : 'Nothing is here yet. Begin so'}</h2>
      <ol>${steps.map((step, index) => html`
        <li class="${step.done ? 'done' : ''} ${step === next ? 'next' : ''}">
          <span class="step-mark" aria-hidden="true">${step.done ? '✓' : index + 1}</span>
          <div><h3>${step.title}${step.done ? html`<span class="only-read-aloud">, done</span>` : nothing}</h3>
            ${step.done ? nothing : html`<p class="quiet">${step.what}</p>`}
            ${step.done || step !== next ? nothing : html`<div class="row">
              ${step.button ?? nothing}
              ${step.command ? html`<span class="command"><code>${step.command}</code>${
                copyButton(step.command, `Copy ${step.command}`)}</span>` : nothing}</div>`}
          </div>
        </li>`)}
      </ol>
    </section>`;
}
