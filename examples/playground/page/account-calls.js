import { call, isGood, load, NoPasskey } from './call.js';
import { asSession } from './session-calls.js';

/** What the page asks of the app about accounts. */

export function signUp({ email, password }) {
  return post('/auth/sign-up', password === '' ? { email } : { email, password });
}

export function signIn(body) {
  return post('/auth/sign-in', body);
}

export function askForLink({ email }) {
  return post('/auth/magic-link', { email });
}

/** The code of a link, or the one for typing with the address. */
export function verifyEmail(body) {
  return post('/auth/email/verify', body);
}

export function confirmLink(body) {
  return post('/auth/magic-link/confirm', body);
}

export function signInAsGuest() {
  return post('/auth/anonymous', {});
}

export function sendSecondFactor(body) {
  return post('/auth/sign-in/totp', body);
}

export function registerSecondFactor() {
  return withSession('/auth/totp/registration', { method: 'POST' });
}

export function confirmSecondFactor(code) {
  return withSession('/auth/totp', json('POST', { code }));
}

export function removeSecondFactor() {
  return withSession('/auth/totp', { method: 'DELETE' });
}

/** The authenticator of the browser makes a passkey, which the app registers. */
export async function addPasskey() {
  const begun = await withSession('/auth/passkeys/registration-options', { method: 'POST' });
  if (!isGood(begun)) return begun;
  const response = await useAuthenticator(() =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(begun.body.options) }),
  );
  return withSession('/auth/passkeys', json('POST', { response, name: 'Of the playground' }));
}

export async function signInWithPasskey() {
  const begun = await post('/auth/passkeys/sign-in-options', {});
  if (!isGood(begun)) return begun;
  const response = await useAuthenticator(() =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(begun.body.options) }),
  );
  return post('/auth/passkeys/sign-in', { response });
}

export function askStaff() {
  return withSession('/api/staff', {}, "@RequireRoles('staff')");
}

export function findMe() {
  return withSession('/auth/me');
}

export async function findMails() {
  return (await load('/playground/mails')).items;
}

export function findAccounts() {
  return load('/playground/accounts');
}

export function addGroup(id, group) {
  return change(`${id}/groups/${encodeURIComponent(group)}`, { method: 'PUT' });
}

export function removeGroup(id, group) {
  return change(`${id}/groups/${encodeURIComponent(group)}`, { method: 'DELETE' });
}

/** @param text JSON, which the app reads */
export function setCustomData(id, text) {
  return change(`${id}/custom-data`, { method: 'PUT', headers: jsonHeaders, body: text });
}

export function disable(id) {
  return change(`${id}/disabled`, { method: 'PUT' });
}

export function enable(id) {
  return change(`${id}/disabled`, { method: 'DELETE' });
}

export function remove(id) {
  return change(id, { method: 'DELETE' });
}

const jsonHeaders = { 'Content-Type': 'application/json' };

function json(method, body) {
  return { method, headers: jsonHeaders, body: JSON.stringify(body), form: JSON.stringify(body, hideSecrets) };
}

function hideSecrets(name, value) {
  return name === 'password' || name === 'response' ? '…' : value;
}

function post(path, body) {
  return shown(call, path, json('POST', body));
}

async function withSession(path, init = {}, mark = '') {
  return { ...(await shown(asSession, path, init)), cookies: ['access'], mark };
}

async function change(path, init) {
  const mark = '@Public(), for the demonstration: in an app, guard it';
  return { ...(await shown(call, `/playground/accounts/${path}`, init)), mark };
}

/** Adds the body of the request, which the page shows. */
async function shown(send, path, { form, ...init }) {
  return { ...(await send(path, init)), form: form ?? init.body };
}

/** @throws {NoPasskey} when its user declines, or there is no passkey for this page */
async function useAuthenticator(use) {
  try {
    return (await use()).toJSON();
  } catch (error) {
    throw new NoPasskey(error.name === 'NotAllowedError' ? 'it was not allowed' : error.message);
  }
}
