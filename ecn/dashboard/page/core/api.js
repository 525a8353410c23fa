/** Questions and commands to the controller's API, in the name of the session. */

/** @import { ProblemDocument } from './types.js' */

const BASE = '/api/v1';
const CSRF_TOKEN = 'ecn-csrf-token';

/** What the controller refused, or that it could not be asked. */
export class Problem extends Error {
  /** @param {ProblemDocument} document */
  constructor(document) {
    super(document.detail || document.title);
    this.document = document;
  }

  /** @returns {string} what to do about it; '' where that is not known */
  get nextStep() {
    return this.document.next_step ?? '';
  }

  get status() {
    return this.document.status;
  }
}

export class Api {
  constructor() {
    this._csrfToken = kept();
    /** Called when the session is not (any more) good. */
    this.loggedOut = () => {};
  }

  /**
   * Of the session; '' while there is none. The cookie alone, which neighbours on other ports of this
   * host get to see too, is worth little without it; it is kept where only this very origin reads.
   */
  get csrfToken() {
    return this._csrfToken;
  }

  set csrfToken(token) {
    this._csrfToken = token;
    try {
      if (token) localStorage.setItem(CSRF_TOKEN, token);
      else localStorage.removeItem(CSRF_TOKEN);
    } catch {
      // Storage is shut: the session ends with the page.
    }
  }

  /**
   * @param {string} path below /api/v1, with its query
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<any>} the document. Errors: Problem
   */
  async get(path, options = {}) {
    const answer = await this.fetch(path, options);
    return answer.json();
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] sent as JSON
   * @param {{signal?: AbortSignal, headers?: Record<string, string>}} [options]
   * @returns {Promise<any>} the document. Errors: Problem
   */
  async send(method, path, body, options = {}) {
    const answer = await this.fetch(path, {
      ...options,
      method,
      headers: {
        ...options.headers,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   * @returns {Promise<Response>} one of success. Errors: Problem; AbortError
   */
  async fetch(path, options = {}) {
    /** @type {Response} */
    let answer;
    try {
      const headers = new Headers(options.headers);
      if (this.csrfToken) headers.set('X-CSRF-Token', this.csrfToken);
      answer = await fetch(BASE + path, { ...options, headers, credentials: 'same-origin' });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new Problem({
        title: 'The controller does not answer',
        status: 0,
        code: 'unreachable',
        next_step: 'The page tries again by itself; look whether the controller runs.',
      });
    }
    if (answer.ok) return answer;
    const problem = new Problem(await described(answer));
    if (answer.status === 401 || problem.document.code === 'not-our-page') this._lost();
    throw problem;
  }

  /** The session is no good; or it is another one by now, as somebody has logged in beside this page. */
  _lost() {
    const beside = kept();
    if (beside && beside !== this.csrfToken) location.reload();
    else this.loggedOut();
  }
}

/** @returns {string} */
function kept() {
  try {
    return localStorage.getItem(CSRF_TOKEN) ?? '';
  } catch {
    return '';
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<ProblemDocument>}
 */
async function described(answer) {
  try {
    return await answer.json();
  } catch {
    return { title: answer.statusText || 'An error', status: answer.status, code: 'unknown' };
  }
}
