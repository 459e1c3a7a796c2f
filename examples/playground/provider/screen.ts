import type { GitHubPerson } from './github-people.js';
import type { Person } from './people.js';

/** Allows only the screen's own script, and forms that lead to the provider and back to the page. */
export function screenHeaders(pageUrl: string): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "img-src 'self'",
      `form-action 'self' ${pageUrl}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
}

export interface SignInView {
  readonly uid: string;
  /** The name of the client that asks. */
  readonly client: string;
  readonly people: readonly Person[];
  /** The entered name, after a wrong name or password. */
  readonly rejectedName?: string;
}

export function signInScreen({ uid, client, people, rejectedName }: SignInView): string {
  const rejected = rejectedName !== undefined;
  const problem = rejected
    ? '<p class="problem" id="problem" role="alert">Name and password do not belong together.</p>'
    : '';
  const described = rejected ? ' aria-invalid="true" aria-describedby="problem"' : '';
  return screen(
    'Sign in',
    `<p>for <strong>${escape(client)}</strong></p>
    ${problem}
    <form method="post" action="/interaction/${uid}/login">
      <label for="name">Name</label>
      <input id="name" name="name" value="${escape(rejectedName ?? '')}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus${described}>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required${described}>
      <button class="primary" type="submit">Sign in</button>
    </form>
    <section aria-labelledby="people">
      <h2 id="people">People of this demo</h2>
      <ul class="people">${people.map(personItem).join('')}</ul>
    </section>
    ${cancelForm(uid, 'Cancel')}
    <script type="module" src="/screens/fill-in.js"></script>`,
  );
}

function personItem({ id, name, password, remark }: Person): string {
  return `<li>
    <div><strong>${escape(name)}</strong><span>${escape(remark)}</span><code>${id} / ${password}</code></div>
    <button type="button" data-name="${id}" data-password="${password}" hidden>Fill in<span class="hidden"> ${escape(name)}</span></button>
  </li>`;
}

const scopeMeanings: Readonly<Record<string, string>> = {
  openid: 'know that it is you',
  profile: 'see your name',
  email: 'see your e-mail address',
  'notes:read': 'read your notes, through the API',
  'notes:write': 'change your notes, through the API',
};

export interface ConsentView {
  readonly uid: string;
  /** The name of the client that asks. */
  readonly client: string;
  readonly person: Person;
  readonly scopes: readonly string[];
}

export function consentScreen({ uid, client, person, scopes }: ConsentView): string {
  const wishes = scopes.map(
    (scope) => `<li>${escape(scopeMeanings[scope] ?? scope)} <code>${escape(scope)}</code></li>`,
  );
  return screen(
    `Hello, ${person.name.split(' ')[0] ?? person.name}`,
    `<p><strong>${escape(client)}</strong> would like to</p>
    <ul class="wishes">${wishes.join('')}</ul>
    <form method="post" action="/interaction/${uid}/consent">
      <button class="primary" type="submit" autofocus>Allow</button>
    </form>
    ${cancelForm(uid, 'Deny')}`,
  );
}

function cancelForm(uid: string, label: string): string {
  return `<form method="post" action="/interaction/${uid}/cancel"><button class="quiet" type="submit">${label}</button></form>`;
}

/** The provider creates the form; the buttons refer to it by their `form` attribute. */
export function signOutScreen(form: string): string {
  return screen(
    'Sign out?',
    `<p>You will be signed out of the provider. An access token that was given out stays good until it expires: that is the nature of such tokens, and why they live only minutes.</p>
    ${form}
    <button class="primary" type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
    <button class="quiet" type="submit" form="op.logoutForm">Stay signed in</button>`,
  );
}

export function failureScreen(title: string, detail: string, pageUrl: string): string {
  return screen(title, `<p>${escape(detail)}</p><p><a href="${pageUrl}/">Back to the playground</a></p>`);
}

export interface GitHubView {
  readonly people: readonly GitHubPerson[];
  /** Where the forms lead to, with the parameters of the request. */
  readonly action: string;
}

/** The person is signed in at GitHub already, as one of two. */
export function gitHubScreen({ people, action }: GitHubView): string {
  const form = (value: string, button: string): string =>
    `<form method="post" action="${escape(action)}"><input type="hidden" name="person" value="${value}">${button}</form>`;
  const items = people.map(
    ({ login, name, remark }) => `<li>
    <div><strong>${escape(name)}</strong><span>${escape(remark)}</span><code>${escape(login)}</code></div>
    ${form(login, `<button type="submit">Authorize<span class="hidden"> as ${escape(name)}</span></button>`)}
  </li>`,
  );
  return screen(
    'Authorize',
    `<p>the <strong>Gatehouse playground</strong> to</p>
    <ul class="wishes"><li>read your profile <code>read:user</code></li><li>read your e-mail addresses <code>user:email</code></li></ul>
    <section aria-labelledby="people">
      <h2 id="people">Who are you at GitHub?</h2>
      <ul class="people">${items.join('')}</ul>
    </section>
    ${form('', '<button class="quiet" type="submit">Cancel</button>')}`,
    'GitHub stand-in',
  );
}

function screen(title: string, content: string, brand = 'Demo provider'): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escape(title)} – ${brand}</title>
    <link rel="stylesheet" href="/screens/screen.css">
    <link rel="icon" href="/screens/icon.svg" type="image/svg+xml">
  </head>
  <body>
    <main>
      <p class="brand">${brand}</p>
      <h1>${escape(title)}</h1>
      ${content}
    </main>
  </body>
</html>`;
}

function escape(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
