/**
 * Lines of a log that is followed over links that break: each once, in its order, as far as that can be
 * known. As ecn/cli/log_lines.py does it. Pure.
 */

/**
 * @typedef {object} Line
 * @property {number} number counted from the first that came
 * @property {string} time as the engine wrote it; '' for what the agent says itself
 * @property {string} text without colours, without its end
 */

/** What terminals take for colours and moves: left out. */
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
/** What else would not be seen, or would break the line. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

export class Lines {
  constructor() {
    this._rest = '';
    /** The time of the last line that was let through. */
    this._last = '';
    /** How many lines of that very time were. */
    this._ofLast = 0;
    /** How many more of them have to be left out. */
    this._skip = 0;
    this._count = 0;
  }

  /**
   * From when on to ask after a break; '' to ask as at first. Never later than the last line: the
   * controller takes microseconds, and they are cut.
   */
  get since() {
    return this._last.replace(/(\.\d{6})\d+Z$/, '$1Z');
  }

  /** From here on it comes again, from `since` on. Half a line that was left comes whole. */
  resumed() {
    this._rest = '';
    this._skip = this._ofLast;
  }

  /**
   * @param {string} piece
   * @returns {Line[]} those that are whole now and did not come yet
   */
  feed(piece) {
    const lines = (this._rest + piece).split('\n');
    this._rest = lines.pop() ?? '';
    return lines.flatMap((each) => this._new(each));
  }

  /** @returns {Line[]} what is left at the end of the log: a line without an end */
  end() {
    const rest = this._rest;
    this._rest = '';
    return rest ? this._new(rest) : [];
  }

  /** @param {string} said */
  _new(said) {
    const [time, text] = split(said);
    if (time) {
      if (time < this._last) return [];
      if (time === this._last) {
        if (this._skip) {
          this._skip -= 1;
          return [];
        }
        this._ofLast += 1;
      } else {
        this._last = time;
        this._ofLast = 1;
        this._skip = 0;
      }
    }
    this._count += 1;
    return [{ number: this._count, time, text: plain(text) }];
  }
}

/**
 * The time that a line begins with, nine digits of a second, and the rest.
 * @param {string} said
 * @returns {[string, string]}
 */
function split(said) {
  const space = said.indexOf(' ');
  const time = space < 0 ? said : said.slice(0, space);
  if (time.length < 20 || time[10] !== 'T' || !time.endsWith('Z')) return ['', said];
  return [time, space < 0 ? '' : said.slice(space + 1)];
}

/**
 * Without colours and controls; of what a program wrote over itself (a bar that grows), the last.
 * @param {string} text
 */
export function plain(text) {
  const seen = text.replace(ESCAPES, '').replace(/\r+$/, '');
  return seen.slice(seen.lastIndexOf('\r') + 1).replace(CONTROLS, '');
}

/**
 * Where a text stands in a line, capitals or not: the pieces, every second one found.
 * @param {string} text
 * @param {string} wanted
 * @returns {string[]} the text itself, whole, if it is not in it
 */
export function pieces(text, wanted) {
  if (!wanted) return [text];
  const found = [];
  const [low, word] = [text.toLowerCase(), wanted.toLowerCase()];
  // Letters whose small form is longer would shift what follows: then nothing is marked.
  if (low.length !== text.length) return [text];
  let end = 0;
  for (let at = low.indexOf(word); at >= 0; at = low.indexOf(word, end)) {
    found.push(text.slice(end, at), text.slice(at, at + word.length));
    end = at + word.length;
  }
  return [...found, text.slice(end)];
}
