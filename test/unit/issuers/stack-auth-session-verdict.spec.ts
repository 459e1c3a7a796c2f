import { describe, expect, it } from 'vitest';
import { isAuthError } from '../../../src/errors/auth-error.js';
import {
  readLoginError,
  readSessionVerdict,
  type SessionQuestion,
} from '../../../src/issuers/stack-auth/stack-auth-session-verdict.js';
import { isUpstreamFailure } from '../../../src/upstream/upstream-failure.js';
import { readRecordedExchange, readRecordedTokens, type StackAuthVersion } from '../../vectors/stack-auth/recorded.js';

const now = new Date('2026-11-22T10:42:23Z');
const signIn: SessionQuestion = {
  what: 'POST /auth/password/sign-in',
  accessToken: null,
  isAboutSession: false,
  members: { email: 'email', password: 'password' },
};
const session: SessionQuestion = { ...signIn, what: 'a session', isAboutSession: true, members: {} };
const withToken: SessionQuestion = { ...session, accessToken: readRecordedTokens()['password-sign-up'] ?? '' };

interface Given {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What comes of an answer: the body, or the error as `CODE`, `CODE reason`, `CODE status` and what else it states. */
function judge({ status, headers = {}, body }: Given, question = signIn): unknown {
  try {
    const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    return readSessionVerdict({ status, headers: { get: (name) => lower.get(name) ?? null }, body }, question, now);
  } catch (error) {
    if (isUpstreamFailure(error)) return `failure ${error.problem}`;
    if (!isAuthError(error)) throw error;
    return [error.code, error.reason].filter(Boolean).join(' ');
  }
}

const known = (code: string, status: number, details?: object, prefix = 'x-stack'): Given => ({
  status,
  headers: { 'content-type': 'application/json', [`${prefix}-known-error`]: code },
  body: { code, ...(details && { details }), error: 'A text of the server that nobody sees.' },
});

describe('an answer of Stack Auth about sign-in and sessions', () => {
  it.each([
    ['EMAIL_PASSWORD_MISMATCH', 400, 'INVALID_CREDENTIALS'],
    ['USER_DOES_NOT_HAVE_PASSWORD', 400, 'INVALID_CREDENTIALS'],
    ['PASSKEY_AUTHENTICATION_FAILED', 400, 'INVALID_CREDENTIALS'],
    ['PASSKEY_WEBAUTHN_ERROR', 400, 'INVALID_CREDENTIALS'],
    ['INVALID_TOTP_CODE', 400, 'INVALID_CODE'],
    ['VERIFICATION_CODE_NOT_FOUND', 404, 'INVALID_CODE'],
    ['VERIFICATION_CODE_EXPIRED', 400, 'INVALID_CODE'],
    ['VERIFICATION_CODE_ALREADY_USED', 409, 'INVALID_CODE'],
    ['VERIFICATION_CODE_MAX_ATTEMPTS_REACHED', 400, 'INVALID_CODE'],
    ['INVALID_AUTHORIZATION_CODE', 400, 'INVALID_CODE'],
    ['USER_EMAIL_ALREADY_EXISTS', 409, 'EMAIL_TAKEN'],
    ['CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE', 409, 'EMAIL_TAKEN'],
    ['OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER', 409, 'IDENTITY_TAKEN'],
    ['PASSWORD_TOO_SHORT', 400, 'WEAK_PASSWORD'],
    ['PASSWORD_TOO_LONG', 400, 'INVALID_INPUT'],
    ['PASSWORD_AUTHENTICATION_NOT_ENABLED', 400, 'NOT_FOUND'],
    ['PASSKEY_AUTHENTICATION_NOT_ENABLED', 400, 'NOT_FOUND'],
    ['SIGN_UP_NOT_ENABLED', 400, 'NOT_FOUND'],
    ['OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED', 400, 'NOT_FOUND'],
    ['SIGN_UP_REJECTED', 403, 'ACCESS_DENIED'],
    ['BOT_CHALLENGE_REQUIRED', 409, 'ACCESS_DENIED'],
    ['BOT_CHALLENGE_FAILED', 400, 'ACCESS_DENIED'],
    ['OAUTH_PROVIDER_ACCESS_DENIED', 400, 'LOGIN_REFUSED'],
    ['PROVIDER_REJECTED', 401, 'LOGIN_REFUSED'],
    ['OUTER_OAUTH_TIMEOUT', 408, 'LOGIN_STATE'],
    ['REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED', 401, 'INVALID_TOKEN revoked'],
    ['USER_NOT_FOUND', 404, 'NOT_FOUND'],
    ['USER_ID_DOES_NOT_EXIST', 400, 'NOT_FOUND'],
    // The fault of the app, whatever their status.
    ['INVALID_PUBLISHABLE_CLIENT_KEY', 401, 'SERVER_ERROR'],
    ['PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT', 401, 'SERVER_ERROR'],
    ['INVALID_SECRET_SERVER_KEY', 401, 'SERVER_ERROR'],
    ['CURRENT_PROJECT_NOT_FOUND', 400, 'SERVER_ERROR'],
    ['INSUFFICIENT_ACCESS_TYPE', 401, 'SERVER_ERROR'],
    ['REDIRECT_URL_NOT_WHITELISTED', 400, 'SERVER_ERROR'],
    ['INVALID_OAUTH_CLIENT_ID_OR_SECRET', 400, 'SERVER_ERROR'],
    ['INVALID_SCOPE', 400, 'SERVER_ERROR'],
    ['BODY_PARSING_ERROR', 400, 'SERVER_ERROR'],
    ['OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE', 503, 'failure status'],
  ])('with %s (%i) is %s, by both names of the header', (code, status, expected) => {
    expect(judge(known(code, status))).toBe(expected);
    expect(judge(known(code, status, {}, 'x-hexclave'))).toBe(expected);
  });

  it.each([
    ['ACCESS_TOKEN_EXPIRED', 401, 'INVALID_TOKEN expired'],
    ['UNPARSABLE_ACCESS_TOKEN', 401, 'INVALID_TOKEN signature'],
    ['INVALID_PROJECT_FOR_ACCESS_TOKEN', 401, 'INVALID_TOKEN issuer'],
    ['USER_AUTHENTICATION_REQUIRED', 401, 'INVALID_TOKEN revoked'],
    ['CANNOT_GET_OWN_USER_WITHOUT_USER', 400, 'INVALID_TOKEN revoked'],
    ['USER_NOT_FOUND', 404, 'INVALID_TOKEN revoked'],
    ['REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED', 401, 'INVALID_TOKEN revoked'],
  ])('to a call with an access token, with %s (%i), is %s', (code, status, expected) => {
    expect(judge(known(code, status), withToken)).toBe(expected);
  });

  it.each([
    [400, signIn, 'INVALID_INPUT'],
    [401, signIn, 'INVALID_CREDENTIALS'],
    [403, signIn, 'ACCESS_DENIED'],
    [404, signIn, 'NOT_FOUND'],
    [409, signIn, 'INVALID_INPUT'],
    [401, session, 'INVALID_TOKEN revoked'],
    [401, withToken, 'INVALID_TOKEN revoked'],
    [500, signIn, 'failure status'],
    [200, signIn, 'SERVER_ERROR'],
  ])('with an unknown code and status %i falls back to the status', (status, question, expected) => {
    expect(judge(known('A_NEW_CODE', status), question)).toBe(expected);
  });

  it('is decided by the actual status, where a header states it', () => {
    const headers = { 'x-stack-actual-status': '403', 'x-stack-known-error': 'A_NEW_CODE' };
    expect(judge({ status: 200, headers })).toBe('ACCESS_DENIED');
    expect(judge({ status: 200, headers: { 'x-hexclave-actual-status': '500' } })).toBe('failure status');
    expect(judge({ status: 200, headers: { 'x-stack-actual-status': '200' }, body: { a: 1 } })).toEqual({ a: 1 });
  });

  it('without a code is a feature that is off when the API itself refuses it, and says nothing when a proxy does', () => {
    const text = { 'content-type': 'text/plain' };
    expect(judge({ status: 403, headers: { ...text, 'x-stack-request-id': 'r' } })).toBe('NOT_FOUND');
    expect(judge({ status: 403, headers: text })).toBe('SERVER_ERROR');
    // An address that the server does not have, because it is of another version.
    expect(judge({ ...readRecordedExchange('unknown-route').response })).toBe('SERVER_ERROR');
    expect(judge({ status: 401, headers: text }, session)).toBe('SERVER_ERROR');
    expect(judge({ status: 502, headers: text })).toBe('failure status');
  });

  it('asks for the second factor with the code of the attempt, and fails without one', () => {
    const answer = known('MULTI_FACTOR_AUTHENTICATION_REQUIRED', 400, { attempt_code: 'the attempt' });
    expect(judge(answer)).toBe('MFA_REQUIRED');
    expect(() =>
      readSessionVerdict({ headers: { get: answerHeader }, status: 400, body: answer.body }, signIn, now),
    ).toThrow(expect.objectContaining({ attemptCode: 'the attempt' }) as Error);
    expect(judge(known('MULTI_FACTOR_AUTHENTICATION_REQUIRED', 400))).toBe('SERVER_ERROR');
  });

  it.each([
    ['  - body.email must be a valid email', 'INVALID_INPUT'],
    ['  - body.email must be a valid email\n  - body.password is too short', 'INVALID_INPUT'],
    // Not what the caller gave: the server is of another version.
    ['  - body.callback_url is not whitelisted', 'SERVER_ERROR'],
    ['  - body.email is wrong\n  - body.bot_challenge_token must be defined', 'SERVER_ERROR'],
    ['  - headers.x-stack-refresh-token must be defined', 'SERVER_ERROR'],
  ])('with a schema error, %j, is %s', (message, expected) => {
    expect(judge(known('SCHEMA_ERROR', 400, { message }))).toBe(expected);
  });

  it.each([
    [{ 'retry-after': '4' }, 4],
    [{ 'retry-after': 'Sun, 22 Nov 2026 10:42:53 GMT' }, 30],
    [{}, 5],
    [{ 'retry-after': 'soon' }, 5],
  ])('with 429 and %j states %i seconds', (headers: Readonly<Record<string, string>>, seconds) => {
    const get = (name: string): string | null => headers[name] ?? null;
    expect(() => readSessionVerdict({ status: 429, headers: { get }, body: undefined }, signIn, now)).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: seconds }) as Error,
    );
  });

  it.each<[StackAuthVersion, string, SessionQuestion, unknown]>([
    ['2.8.86', 'password-sign-in-wrong-password', signIn, 'INVALID_CREDENTIALS'],
    ['2.8.37', 'password-sign-in-wrong-password', signIn, 'INVALID_CREDENTIALS'],
    ['2.8.86', 'password-sign-up-duplicate', signIn, 'EMAIL_TAKEN'],
    ['2.8.37', 'password-sign-up-duplicate', signIn, 'EMAIL_TAKEN'],
    ['2.8.86', 'session-refresh-after-sign-out', session, 'INVALID_TOKEN revoked'],
    ['2.8.37', 'session-refresh-after-sign-out', session, 'INVALID_TOKEN revoked'],
    ['2.8.86', 'session-refresh-invalid', session, 'INVALID_TOKEN revoked'],
    ['2.8.86', 'session-refresh-deleted-user', session, 'INVALID_TOKEN revoked'],
    // That version fails; nobody can tell it from an outage.
    ['2.8.37', 'session-refresh-deleted-user', session, 'failure status'],
    ['2.8.86', 'session-refresh-while-access-token-expired', withToken, 'INVALID_TOKEN expired'],
    ['2.8.86', 'session-sign-out-expired-token', withToken, 'INVALID_TOKEN expired'],
    ['2.8.86', 'session-sign-out-again', withToken, 'failure status'],
    ['2.8.37', 'session-sign-out-again', withToken, 'INVALID_TOKEN revoked'],
    ['2.8.86', 'session-sign-out', withToken, { success: true }],
    ['2.8.86', 'rate-limited-with-retry-after', signIn, 'TOO_MANY_ATTEMPTS'],
    ['2.8.86', 'rate-limited-without-retry-after', signIn, 'TOO_MANY_ATTEMPTS'],
    ['2.8.86', 'users-me-override-error-status', session, 'NOT_FOUND'],
  ])('as version %s recorded it, %s', (version, name, question, expected) => {
    expect(judge(readRecordedExchange(name, version).response, question)).toEqual(expected);
  });

  it('repeats no text of the server', () => {
    for (const code of [
      'SIGN_UP_REJECTED',
      'EMAIL_PASSWORD_MISMATCH',
      'SCHEMA_ERROR',
      'A_NEW_CODE',
      'PASSWORD_TOO_LONG',
    ]) {
      const details = { message: 'body.email: A text of the server that nobody sees.' };
      try {
        const { status, body } = known(code, 400, details);
        const headers = { get: (name: string) => (name === 'x-stack-known-error' ? code : null) };
        readSessionVerdict({ status, headers, body }, signIn, now);
        expect.unreachable();
      } catch (error) {
        expect(JSON.stringify(error) + (error as Error).message).not.toContain('that nobody sees');
      }
    }
  });

  it('is read from the code of a login that came back with an error', () => {
    expect(readLoginError('USER_EMAIL_ALREADY_EXISTS')).toMatchObject({ code: 'EMAIL_TAKEN' });
    for (const [code, path] of [
      ['CURRENT_PROJECT_NOT_FOUND', 'stackAuth({ projectId })'],
      ['REDIRECT_URL_NOT_WHITELISTED', 'AuthModule.forRoot({ publicUrl }) and StackAuthModule.forRoot({ links })'],
    ] as const) {
      expect(readLoginError(code)).toMatchObject({ code: 'CONFIGURATION_ERROR', path });
    }
  });
});

function answerHeader(name: string): string | null {
  return name === 'x-stack-known-error' ? 'MULTI_FACTOR_AUTHENTICATION_REQUIRED' : null;
}
