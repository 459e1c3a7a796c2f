/** Answers of Stack Auth that were not recorded, and the cookies that an app makes of its tokens. */
import { expect } from 'vitest';
import { readRecordedExchange } from '../vectors/stack-auth/recorded.js';
import type { Answer } from './http.js';
import { setCookiesOf } from './session-app.js';
import type { Reply } from './stack-auth-server.js';

/** A known error, in the form of all recorded ones. */
export function knownError(code: string, status = 400, details: object = {}): Reply {
  const headers = { 'content-type': 'application/json', 'x-stack-known-error': code };
  return { status, headers, body: { code, details, error: 'A text of the server.' } };
}

/** How the API answers a way to sign in that was not recorded: with the tokens of a recorded sign-in. */
export function signedIn(more: object = {}): Reply {
  const { body, ...rest } = readRecordedExchange('password-sign-in').response;
  return { ...rest, body: { ...(body as object), is_new_user: false, ...more } };
}

/** How it answers the code of a login. `expires_in` is wrong there; the expiry of the token counts. */
export function exchangedCode(isNewUser: boolean): Reply {
  const { access_token, refresh_token } = signedIn().body as Readonly<Record<string, unknown>>;
  const tokens = { access_token, refresh_token, token_type: 'Bearer', expires_in: 3600, scope: 'legacy' };
  return { ...signedIn(), body: { ...tokens, is_new_user: isNewUser } };
}

/** Asserts that an answer sets exactly the two cookies of a session, for a year. */
export function expectCookies(answer: Answer, accessToken: string | undefined, refreshToken: string): void {
  const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000';
  expect(setCookiesOf(answer)).toEqual([
    `__Host-access=${accessToken ?? ''}; ${attributes}`,
    `__Host-refresh=${refreshToken}; ${attributes}`,
  ]);
  expect(answer.headers['cache-control']).toBe('no-store');
}
