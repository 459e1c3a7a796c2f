// Session storage: a reload keeps the token, closing the tab loses it, and another tab never sees it. Any script of this
// page could read it there, as it could read a variable; what protects it is that only our own scripts run (see the
// Content-Security-Policy) and that it lives five minutes. A real app with much to lose keeps its tokens on a server.

const key = 'session';

/** @returns {{ accessToken?: string, idToken?: string, formerToken?: string }} */
export function readSession(run) {
  try {
    const session = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    return session.run === run ? session : {};
  } catch {
    return {};
  }
}

/** The previous token is kept as well, to show what happens to it after the keys have changed. */
export function keepTokens(run, { accessToken, idToken }) {
  const formerToken = readSession(run).accessToken;
  sessionStorage.setItem(key, JSON.stringify({ run, accessToken, idToken, formerToken }));
}

export function forgetTokens() {
  sessionStorage.removeItem(key);
}
