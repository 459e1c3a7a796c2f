import { call, isGood, load } from './call.js';

/** What the page asks of the app with the cookies of its session. The browser sends and keeps these by itself. */

export function findCookies() {
  return load('/playground/session/cookies');
}

/** The token that the OpenID provider has given for the user of the session. */
export function findProviderToken() {
  return asSession('/playground/session/provider-token');
}

export function refresh() {
  return call('/auth/refresh', { method: 'POST' });
}

export function listSessions() {
  return asSession('/auth/sessions?limit=10');
}

export function openDevice() {
  return asSession('/playground/session/devices', { method: 'POST' });
}

export function endSession(id) {
  return asSession(`/auth/sessions/${id}`, { method: 'DELETE' });
}

export async function listIdentities() {
  return shownAsSession(await asSession('/auth/identities'));
}

export async function unlinkIdentity(provider) {
  return shownAsSession(await asSession(`/auth/identities/${provider}`, { method: 'DELETE' }));
}

export async function beginLink(provider) {
  const body = JSON.stringify({ link: true });
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
  return { ...shownAsSession(await asSession(`/auth/login/${provider}`, init)), form: body };
}

export function signOutEverywhere() {
  return asSession('/auth/sign-out-everywhere', { method: 'POST' });
}

export function createKey() {
  return asSession('/playground/keys', { method: 'POST' });
}

export function rotateKey(id) {
  return asSession(`/playground/keys/${id}/rotate`, { method: 'POST' });
}

export function revokeKey(id) {
  return asSession(`/playground/keys/${id}`, { method: 'DELETE' });
}

/** Also without a session, and with an expired one: it removes the cookies. */
export function signOutOfApp() {
  return call('/auth/sign-out', { method: 'POST' });
}

/** As a client of an app does it: when the access token is refused, it refreshes once and asks again. */
export async function asSession(path, init) {
  const first = await call(path, init);
  if (first.status !== 401) return first;
  const refreshed = await refresh();
  // Where there is no session any more, this answer states why.
  return isGood(refreshed) ? call(path, init) : refreshed;
}

/** Adds what the page shows of the request. */
function shownAsSession(answer) {
  return { ...answer, cookies: ['access'] };
}
