import assert from 'node:assert/strict';

import type { Authentication, AuthenticationScheme } from '../authentication/authentication-scheme.js';
import { AuthUnavailableError, isAuthError, RefusalError } from '../errors/auth-error.js';
import type { Credential } from '../request/find-credential.js';
import { type RequestView, viewHttpRequest } from '../request/request-view.js';
import { isThenable } from '../token/maybe-promise.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** The headers of a request, by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>;

/** A scheme that `describeAuthenticationScheme` tests. */
export interface SchemeUnderTest {
  readonly scheme: AuthenticationScheme;
  /** Requests with a good credential: one for each place that the scheme reads. */
  readonly accepted: readonly RequestHeaders[];
  /** Requests with a credential of this scheme that does not pass: unknown, expired, forged. */
  readonly refused: readonly RequestHeaders[];
  /** Requests whose credential is malformed, which `find` or `authenticate` answers with 400. @defaultValue [] */
  readonly malformed?: readonly RequestHeaders[];
  /** Called when a test is over. */
  close?(): unknown;
}

/** Requests without a credential of any scheme that an app has. */
const withoutCredential: readonly RequestHeaders[] = [
  {},
  { authorization: 'Negotiate YWJj', cookie: 'theme=dark', 'x-request-id': '1' },
];

/**
 * Tests an `AuthenticationScheme` against its contract: what it finds, proves, refuses and challenges.
 *
 * ```ts
 * describeAuthenticationScheme('ApiKeyScheme', () => ({
 *   scheme: new ApiKeyScheme(),
 *   accepted: [{ 'x-api-key': 'key_1' }],
 *   refused: [{ 'x-api-key': 'key_unknown' }],
 * }));
 * ```
 *
 * @param open makes a new scheme for each test.
 * @param runner the functions of the test runner. @defaultValue the globals `describe` and `it`, which Jest has, and Vitest
 * with `globals: true`
 * @throws {TypeError} when there are no such globals.
 */
export function describeAuthenticationScheme(
  name: string,
  open: () => SchemeUnderTest | Promise<SchemeUnderTest>,
  runner: TestRunner = globalTestRunner('describeAuthenticationScheme'),
): void {
  defineTests(`the AuthenticationScheme ${name}`, open, tests, runner);
}

const tests: Readonly<Record<string, (under: SchemeUnderTest) => unknown>> = {
  'is given at least one request that it accepts, and one that it refuses': ({ scheme, accepted, refused }) => {
    assert.notEqual(scheme.name, '');
    assert.ok(accepted.length > 0 && refused.length > 0);
  },
  'finds nothing in a request without its credential': ({ scheme }) => {
    for (const headers of withoutCredential) assert.equal(scheme.find(viewOf(headers)), undefined);
  },
  'finds a credential at once, and the same one each time': ({ scheme, accepted, refused }) => {
    for (const headers of [...accepted, ...refused]) {
      const request = viewOf(headers);
      const credential = findIn(scheme, request);
      assert.ok(!isThenable(credential), 'find() gave a promise');
      assert.match(credential.scheme, /^[A-Za-z][\w-]*$/, 'the HTTP scheme of the credential');
      assert.notEqual(credential.source.place, '');
      assert.equal(findIn(scheme, request).text, credential.text);
    }
  },
  'makes a user of a good credential, whose parts agree with each other': async ({ scheme, accepted }) => {
    for (const headers of accepted) {
      const { credential, authentication } = await authenticate(scheme, headers);
      checkAuthentication(authentication, credential);
    }
  },
  'proves the same credential again': async ({ scheme, accepted }) => {
    for (const headers of accepted) {
      const { authentication } = await authenticate(scheme, headers);
      assert.equal((await authenticate(scheme, headers)).authentication.user.id, authentication.user.id);
    }
  },
  'refuses every other credential by a RefusalError that does not repeat it': async ({ scheme, refused }) => {
    for (const headers of refused) {
      const { error, credential } = await refusalOf(scheme, headers);
      assert.ok(error instanceof RefusalError, `expected a RefusalError, got ${describeError(error)}`);
      assert.equal(error.code, 'INVALID_TOKEN');
      assert.ok(!`${error.message} ${error.explanation}`.includes(credential.text), 'the error repeats the credential');
    }
  },
  'refuses a malformed credential with INVALID_REQUEST': async ({ scheme, malformed = [] }) => {
    for (const headers of malformed) {
      const { error } = await refusalOf(scheme, headers).catch((thrown: unknown) => ({ error: thrown }));
      assert.ok(isAuthError(error), `expected an AuthError, got ${describeError(error)}`);
      assert.equal(error.code, 'INVALID_REQUEST');
    }
  },
  'challenges by a scheme and parameters that fit into a header, and keeps the error to its own': async (under) => {
    const { scheme, accepted, refused } = under;
    const own = new Set([...accepted, ...refused].map((headers) => findIn(scheme, viewOf(headers)).scheme));
    for (const headers of refused) {
      const { error, credential } = await refusalOf(scheme, headers);
      checkChallenge(scheme, error, credential.scheme, viewOf(headers));
    }
    const other = RefusalError.token('expired', 'of another scheme');
    other.scheme = 'Other';
    if (!own.has('Other')) assert.equal(scheme.challenge(other, null)?.parameters['error'], undefined);
    for (const error of [RefusalError.of('MISSING_TOKEN', ''), new AuthUnavailableError('', 1)]) {
      assert.equal(scheme.challenge(error, viewOf({}))?.parameters['error'], undefined);
    }
  },
  'recalls only what it has proven': async ({ scheme, accepted, refused }) => {
    if (scheme.recall === undefined) return;
    for (const headers of [...accepted, ...refused]) {
      assert.equal(scheme.recall(findIn(scheme, viewOf(headers))), undefined, 'it recalls what was never proven');
    }
    for (const headers of accepted) {
      const { credential, authentication } = await authenticate(scheme, headers);
      const recalled = scheme.recall(credential);
      if (recalled !== undefined) assert.equal(recalled.user.id, authentication.user.id);
    }
  },
  'says of what it has just proven that it holds': async ({ scheme, accepted }) => {
    if (scheme.holds === undefined) return;
    for (const headers of accepted) {
      assert.equal(scheme.holds((await authenticate(scheme, headers)).authentication), true);
    }
  },
  'refuses online what it refuses otherwise': async ({ scheme, refused }) => {
    for (const headers of refused) {
      const request = viewOf(headers);
      const credential = findIn(scheme, request);
      const error = await errorOf(async () => scheme.authenticateOnline?.(credential, request));
      assert.ok(scheme.authenticateOnline === undefined || error instanceof RefusalError, describeError(error));
    }
  },
};

function viewOf(headers: RequestHeaders): RequestView {
  return viewHttpRequest({ headers });
}

function findIn(scheme: AuthenticationScheme, request: RequestView): Credential {
  const credential = scheme.find(request);
  assert.ok(credential !== undefined && credential.text !== '', 'find() gave no credential');
  return credential;
}

async function authenticate(
  scheme: AuthenticationScheme,
  headers: RequestHeaders,
): Promise<{ credential: Credential; authentication: Authentication }> {
  const request = viewOf(headers);
  const credential = findIn(scheme, request);
  return { credential, authentication: await scheme.authenticate(credential, request) };
}

async function refusalOf(
  scheme: AuthenticationScheme,
  headers: RequestHeaders,
): Promise<{ credential: Credential; error: unknown }> {
  const request = viewOf(headers);
  const credential = findIn(scheme, request);
  const error = await errorOf(async () => scheme.authenticate(credential, request));
  assert.notEqual(error, undefined, 'the credential was accepted');
  return { credential, error };
}

async function errorOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error;
  }
}

function checkAuthentication(authentication: Authentication, credential: Credential): void {
  const { user } = authentication;
  assert.ok(user.id !== '' && user.issuer !== '' && user.credential.kind !== '');
  assert.ok(Object.isFrozen(user), 'the user is not frozen; createAuthUser() gives one that is');
  assert.equal(authentication.scheme, credential.scheme);
  assert.equal(user.credential.scheme, credential.scheme);
  assert.equal(authentication.credentialId, user.credential.id);
  assert.equal(authentication.expiresAtMs, user.expiresAt?.getTime() ?? null, 'expiresAtMs and user.expiresAt differ');
  assert.ok(!JSON.stringify(user).includes(credential.text), 'the user contains the credential');
}

/** RFC 9110 §11.6.1: a token for the scheme and for each name; values without quotes, backslashes and line breaks. */
function checkChallenge(scheme: AuthenticationScheme, error: unknown, used: string, request: RequestView): void {
  assert.ok(error instanceof RefusalError, describeError(error));
  error.scheme ??= used;
  const challenge = scheme.challenge(error, request);
  if (challenge === null) return;
  for (const name of [challenge.scheme, ...Object.keys(challenge.parameters)]) assert.match(name, /^[A-Za-z][\w-]*$/);
  for (const value of Object.values(challenge.parameters)) assert.match(value, /^[\x20\x21\x23-\x5B\x5D-\x7E]*$/);
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
