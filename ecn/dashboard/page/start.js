/**
 * The first script of the page: starts it, and loads all anew where its files are gone.
 *
 * Paths of files name their content. While controllers of two versions are there side by side, or one
 * has just been replaced, a file of the page that was loaded may be served no more. This script alone
 * has a path that every version serves; it needs nothing else.
 */

const MOST = 5;
const PAUSE = 1000;
const TRIED = 'ecn-page-tried';
/** What browsers call a module, or one that it needs, which did not come; it has no name of its own. */
const NOT_THERE = /dynamically imported module|importing a module script/i;

const main = document.currentScript?.dataset.main ?? '';

/** @returns {number} how often it was tried in a row; too often where that can't be kept */
function tried() {
  try {
    return Number(sessionStorage.getItem(TRIED) ?? 0);
  } catch {
    return MOST;
  }
}

/** @param {number} times */
function keep(times) {
  try {
    sessionStorage.setItem(TRIED, String(times));
  } catch {
    // Then it is not tried again.
  }
}

/** Another try, with whatever version answers then. */
function again() {
  const before = tried();
  if (before < MOST) {
    keep(before + 1);
    setTimeout(() => location.reload(), PAUSE);
    return;
  }
  keep(0);
  const root = document.getElementById('root');
  if (root) root.textContent = 'The page can’t be loaded. Look whether the controller runs, then reload it.';
}

async function start() {
  const links = /** @type {NodeListOf<HTMLLinkElement>} */ (
    document.querySelectorAll('link[rel=stylesheet]'));
  if ([...links].some((link) => !link.sheet)) return again();
  try {
    await import(main);
    keep(0);
  } catch (error) {
    // Exports that are not there are of another version. Any other fault is the page's own, and stays.
    const gone = error instanceof SyntaxError || NOT_THERE.test(String(error));
    if (!gone) throw error;
    again();
  }
}

void start();
