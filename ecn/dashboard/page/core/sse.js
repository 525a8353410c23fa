/** Server-sent events out of a stream of bytes, as the HTML standard tells (§9.2.6). Pure but for reading. */

/**
 * @typedef {object} Message
 * @property {string} id of this message, or of the last before it that had one
 * @property {string} event its kind; 'message' unless told
 * @property {string} data
 */

/** Puts lines together to messages. Bytes may be cut anywhere. */
export class Messages {
  constructor() {
    this._text = '';
    this._id = '';
    this._event = '';
    /** @type {string[]} */
    this._data = [];
    /** Milliseconds after which the sender wishes to be asked again; undefined: it did not say. */
    this.retry = /** @type {number | undefined} */ (undefined);
  }

  /**
   * @param {string} text the next piece
   * @returns {Message[]} those that are whole now
   */
  push(text) {
    this._text += text;
    /** @type {Message[]} */
    const whole = [];
    // A carriage return at the end may be the first half of a line's end.
    const lines = this._text.split(/\r\n|\n|\r(?!$)/);
    this._text = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      const message = this._line(line);
      if (message) whole.push(message);
    }
    return whole;
  }

  /**
   * @param {string} line
   * @returns {Message | null}
   */
  _line(line) {
    if (line === '') return this._end();
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this._data.push(value);
    else if (name === 'event') this._event = value;
    else if (name === 'id' && !value.includes('\0')) this._id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }

  _end() {
    const message = this._data.length
      ? { id: this._id, event: this._event || 'message', data: this._data.join('\n') }
      : null;
    this._data = [];
    this._event = '';
    return message;
  }
}
