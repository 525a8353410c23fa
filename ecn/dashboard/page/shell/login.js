/** Who are you? */

import { html } from '../core/html.js';

/** @import { App } from '../core/app.js' */

/**
 * @param {App} app
 * @param {() => Promise<void>} begin to be called once logged in
 */
export function loginPage(app, begin) {
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    try {
      const session = await app.api.send('POST', '/session', {
        name: String(form.get('name')),
        password: String(form.get('password')),
      });
      app.api.csrfToken = session.csrf_token;
      await begin();
    } catch (error) {
      app.tell(/** @type {Error} */ (error).message, { bad: true });
    }
  };
  return html`
    <main class="login">
      <h1>ECN</h1>
      <form @submit=${submit}>
        <label>Name <input name="name" autocomplete="username" required autofocus></label>
        <label>Password
          <input name="password" type="password" autocomplete="current-password" required></label>
        <button class="primary">Log in</button>
      </form>
    </main>`;
}
