/** What keys do on the drawing, and which node is next in a direction. Pure. */

/** @import { Layout } from './layout.js' */

/** @type {Record<string, string>} by what browsers call the key */
export const KEYS = {
  ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down',
  Home: 'first', End: 'last', PageUp: 'before', PageDown: 'after',
  Enter: 'select', ' ': 'select', Escape: 'leave', '+': 'nearer', '=': 'nearer', '-': 'further', 0: 'fit',
};

/**
 * @param {Layout} drawn
 * @param {string} from a node's id
 * @param {string} act left, right, up, down, first, last, before (the group before), after
 * @returns {string} a node's id: `from` where there is none that way
 */
export function stepped(drawn, from, act) {
  const groups = drawn.groups.filter((each) => each.nodes.length);
  const order = groups.flatMap((each) => each.nodes);
  if (!drawn.nodes.has(from) || act === 'first') return order[0] ?? '';
  if (act === 'last') return order.at(-1) ?? '';
  const at = groups.findIndex((each) => each.nodes.includes(from));
  if (act === 'before') return groups[Math.max(0, at - 1)]?.nodes[0] ?? from;
  if (act === 'after') return groups[Math.min(groups.length - 1, at + 1)]?.nodes[0] ?? from;
  return beside(drawn, from, act);
}

/**
 * The nearest one that way; what is straight ahead is nearer than what is aside.
 * @param {Layout} drawn
 * @param {string} from
 * @param {string} act
 */
function beside({ nodes }, from, act) {
  const here = nodes.get(from);
  if (!here) return from;
  let best = from;
  let least = Infinity;
  for (const [id, box] of nodes) {
    const [dx, dy] = [box.x - here.x, box.y - here.y];
    const [ahead, aside] = act === 'left' ? [-dx, dy] : act === 'right' ? [dx, dy]
      : act === 'up' ? [-dy, dx] : [dy, dx];
    const far = ahead + 2.5 * Math.abs(aside);
    if (ahead > 1 && (far < least || (far === least && id < best))) [best, least] = [id, far];
  }
  return best;
}
