/** The colours of tokens.css as a canvas needs them: read from the page, so that themes hold here, too. */

const NAMES = /** @type {const} */ ([
  'ground', 'surface', 'raised', 'sunken', 'line', 'line-strong', 'text', 'quiet', 'accent',
  'accent-soft', 'good', 'good-soft', 'busy', 'busy-soft', 'warn', 'warn-soft', 'bad', 'bad-soft',
  'idle', 'idle-soft',
]);

/** @typedef {Record<typeof NAMES[number], string> & {font: string}} Palette */

/**
 * @param {HTMLElement} element one that is shown
 * @returns {Palette}
 */
export function paletteOf(element) {
  const probe = document.createElement('span');
  element.append(probe);
  /** @type {Record<string, string>} */
  const found = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  found.font = getComputedStyle(element).fontFamily;
  probe.remove();
  return /** @type {Palette} */ (found);
}

/**
 * Calls when the theme is another one.
 * @param {() => void} changed
 * @param {AbortSignal} signal
 */
export function onThemeChange(changed, signal) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed, { signal });
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  signal.addEventListener('abort', () => observer.disconnect());
}
