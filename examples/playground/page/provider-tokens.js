// Session storage: a reload keeps the token, closing the tab loses it, and another tab never sees it. Any script of this
// page could read it there, as it could read a variable; what protects it is that only our own scripts run (see the
// Content-Security-Policy) and that it lives five minutes. A real app with much to lose exchanges it for a session in cookies that no script can read, as
// the page does as well (session-view.js), and drops it.

const key = 'session';

/** @returns {{ accessToken?: string, idToken?: string, formerToken?: string }} */
export function readTokens(run) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    return kept.run === run ? kept : {};
  } catch {
    return {};
  }
}

/** The previous token is kept as well, to show what happens to it after the keys have changed. */
export function keepTokens(run, { accessToken, idToken }) {
  const formerToken = readTokens(run).accessToken;
  sessionStorage.setItem(key, JSON.stringify({ run, accessToken, idToken, formerToken }));
}

export function forgetTokens() {
  sessionStorage.removeItem(key);
}
