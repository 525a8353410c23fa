/** Manifests, as text: the act that deploys them, the places in them, one to start from. Pure. */

/** @import { Act } from './act.js' */

/** @typedef {{name: string, text: string}} Source */

/**
 * @param {Source} source
 * @returns {Act}
 */
export const deployment = (source) => ({
  label: 'Deploy',
  title: 'Deploy',
  concerns: [],
  missing: () => (source.text.trim() ? '' : 'Paste a manifest, or choose a file: its plan is shown then.'),
  plan: () => ({ method: 'POST', path: '/manifests', body: { sources: [source], plan: true } }),
  send: (_app, _input, seen) => ({
    method: 'POST', path: '/manifests', body: { sources: [source], expected_position: seen },
  }),
});

/**
 * Where a place of a text is, in characters from its begin.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 */
export function offsetOf(text, line, column) {
  const before = text.split('\n').slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(text.length, before + column - 1);
}

/**
 * One application with one microservice, to start from.
 * @param {string} node its name
 */
export const example = (node) => `apiVersion: ecn/v1
kind: Application
metadata: {name: hello}
spec:
  microservices:
    - name: page
      node: ${JSON.stringify(node)}
      image: nginx:stable
      ports: [{host: 8081, container: 80}]
      env: {GREETING: hello}
`;
