import { call, load } from './call.js';
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
  return asSession('/auth/totp/registration', { method: 'POST' });
}

export function confirmSecondFactor(code) {
  return asSession('/auth/totp', json('POST', { code }));
}

export function removeSecondFactor() {
  return asSession('/auth/totp', { method: 'DELETE' });
}

export function askStaff() {
  return asSession('/api/staff');
}

export function findMe() {
  return asSession('/auth/me');
}

export async function findMails() {
  return (await load('/playground/mails')).items;
}

export function findAccounts() {
  return load('/playground/accounts');
}

export function addGroup(id, group) {
  return call(`${pathOf(id)}/groups/${encodeURIComponent(group)}`, { method: 'PUT' });
}

export function removeGroup(id, group) {
  return call(`${pathOf(id)}/groups/${encodeURIComponent(group)}`, { method: 'DELETE' });
}

/** @param text JSON, which the app reads */
export function setCustomData(id, text) {
  return call(`${pathOf(id)}/custom-data`, { method: 'PUT', headers: jsonHeaders, body: text });
}

export function disable(id) {
  return call(`${pathOf(id)}/disabled`, { method: 'PUT' });
}

export function enable(id) {
  return call(`${pathOf(id)}/disabled`, { method: 'DELETE' });
}

export function remove(id) {
  return call(pathOf(id), { method: 'DELETE' });
}

const jsonHeaders = { 'Content-Type': 'application/json' };

function pathOf(id) {
  return `/playground/accounts/${id}`;
}

function post(path, body) {
  return call(path, json('POST', body));
}

function json(method, body) {
  return { method, headers: jsonHeaders, body: JSON.stringify(body) };
}
