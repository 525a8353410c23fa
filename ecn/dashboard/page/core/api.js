/** Questions and commands to the controller's API, in the name of the session. */

/** @import { ProblemDocument } from './types.js' */

const BASE = '/api/v1';

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
    /** Of the session; '' while there is none. */
    this.csrfToken = '';
    /** Called when the session is not (any more) good. */
    this.loggedOut = () => {};
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
        'X-CSRF-Token': this.csrfToken,
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
      answer = await fetch(BASE + path, { ...options, credentials: 'same-origin' });
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
    if (answer.status === 401) this.loggedOut();
    throw problem;
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
