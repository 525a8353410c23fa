/**
 * The URL, which says all that a link has to say: /dashboard/<view>/<what>?<filters>&at=<position>.
 */

const BASE = '/dashboard';

export class Location {
  /** @param {() => void} changed called when the URL is another one */
  constructor(changed) {
    this._changed = changed;
    /** The view's name; '' is the overview. */
    this.view = '';
    /** @type {string[]} what of it: the rest of the path, decoded */
    this.rest = [];
    this.query = new URLSearchParams();
    this._read();
    addEventListener('popstate', () => {
      this._read();
      changed();
    });
    addEventListener('click', (event) => this._clicked(event));
  }

  _read() {
    const path = location.pathname.slice(BASE.length).split('/').filter(Boolean);
    this.view = path[0] ?? '';
    this.rest = path.slice(1).map(decodeURIComponent);
    this.query = new URLSearchParams(location.search);
  }

  /**
   * Go there.
   * @param {string} href as `href` gives it
   * @param {{replace?: boolean}} [how] replace: no new entry in the history (typing into a filter)
   */
  go(href, { replace = false } = {}) {
    history[replace ? 'replaceState' : 'pushState'](null, '', href);
    this._read();
    this._changed();
  }

  /**
   * Set filters of the view that is shown.
   * @param {Record<string, string | number | null | undefined>} filters null or '': without it
   * @param {{replace?: boolean}} [how]
   */
  set(filters, how) {
    this.go(this.with(filters), how);
  }

  /**
   * The URL of the view that is shown, with other filters.
   * @param {Record<string, string | number | null | undefined>} filters
   */
  with(filters) {
    return withQuery(location.pathname, this.query, filters);
  }

  /**
   * The URL of a view, at the same moment as this one.
   * @param {string} view
   * @param {readonly string[]} [rest] parts of the path, unescaped
   * @param {Record<string, string | number | null | undefined>} [filters]
   */
  href(view, rest = [], filters = {}) {
    const path = [BASE, ...(view ? [view] : []), ...rest.map(encodeURIComponent)].join('/');
    const at = this.query.get('at');
    return withQuery(view ? path : `${path}/`, new URLSearchParams(at ? { at } : {}), filters);
  }

  /** @param {MouseEvent} event */
  _clicked(event) {
    const link = event.composedPath().find((each) => each instanceof HTMLAnchorElement);
    const plain = !event.defaultPrevented && event.button === 0 &&
      !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || link.target || link.hasAttribute('download')) return;
    if (link.origin !== location.origin || !link.pathname.startsWith(`${BASE}/`)) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
    scrollTo(0, 0);
  }
}

/**
 * @param {string} path
 * @param {URLSearchParams} query
 * @param {Record<string, string | number | null | undefined>} changes
 */
function withQuery(path, query, changes) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  const text = next.toString();
  return text ? `${path}?${text}` : path;
}
