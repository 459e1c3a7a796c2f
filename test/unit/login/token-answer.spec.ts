import { describe, expect, it } from 'vitest';
import { readTokenAnswer } from '../../../src/login/token-answer.js';
import { errorOf } from '../../support/outcome.js';

const now = new Date('2026-01-01T00:00:00Z');
const call = { preset: 'forum', scopes: ['asked'], now };
const noHeaders = { get: () => null };

const read = (body: unknown, status = 200, headers: { get(name: string): string | null } = noHeaders) =>
  readTokenAnswer({ status, headers, body }, call);
const refusalOf = (body: unknown, status = 400) => errorOf(() => read(body, status));

describe('an error of a token endpoint that fails, or asks for a pause', () => {
  it.each([500, 503, 429])('decides nothing with status %s', async (status) => {
    expect((await refusalOf({ error: 'invalid_grant' }, status))?.code).toBe('SERVER_ERROR');
  });
});

describe('a good answer of a token endpoint', () => {
  const token = { access_token: 'a-token' };
  it.each<[string, object, object]>([
    ['of the least form', token, { accessToken: 'a-token', refreshToken: null, expiresAt: null, scopes: ['asked'] }],
    ['with a lifetime', { ...token, expires_in: 60 }, { expiresAt: new Date('2026-01-01T00:01:00Z') }],
    ['with a lifetime as text', { ...token, expires_in: '60' }, { expiresAt: new Date('2026-01-01T00:01:00Z') }],
    ['with the old name of it', { ...token, expires: '60' }, { expiresAt: new Date('2026-01-01T00:01:00Z') }],
    ['with a lifetime that is none', { ...token, expires_in: 'soon' }, { expiresAt: null }],
    ['with a negative lifetime', { ...token, expires_in: -1 }, { expiresAt: null }],
    ['with a lifetime beyond all dates', { ...token, expires_in: 1e300 }, { expiresAt: null }],
    ['with scopes by commas', { ...token, scope: 'read:user,user:email' }, { scopes: ['read:user', 'user:email'] }],
    ['with scopes by blanks', { ...token, scope: 'a  b' }, { scopes: ['a', 'b'] }],
    ['with scopes as a list', { ...token, scope: ['a', 7, 'b'] }, { scopes: ['a', 'b'] }],
    ['with no scope granted', { ...token, scope: '' }, { scopes: [] }],
    ['with scopes of a wrong type', { ...token, scope: 7 }, { scopes: ['asked'] }],
    ['with a type in another case', { ...token, token_type: 'bEARER' }, { accessToken: 'a-token' }],
    ['with a refresh token', { ...token, refresh_token: 'r' }, { refreshToken: 'r' }],
    ['with a refresh token of a wrong type', { ...token, refresh_token: {} }, { refreshToken: null }],
    ['with an empty error beside the token', { ...token, error: null }, { accessToken: 'a-token' }],
  ])('%s is read', (_, body, expected) => {
    expect(read(body).tokens).toMatchObject(expected);
  });

  it('gives the ID token, and none of a wrong type', () => {
    expect(read({ ...token, id_token: 'a.b.c' }).idToken).toBe('a.b.c');
    expect(read({ ...token, id_token: 7 }).idToken).toBeNull();
  });
});

describe('an answer without a token', () => {
  it.each<[string, unknown, number]>([
    ['a code that was used', { error: 'invalid_grant' }, 400],
    ['an error with status 200', { error: 'bad_verification_code', error_description: 'x' }, 200],
    ['a person who declined', { error: 'access_denied' }, 403],
    ['a code that Facebook does not know', { error: { code: 100, type: 'OAuthException', message: 'x' } }, 400],
    ['a code that Facebook has seen', { error: { code: 100, error_subcode: 36_009 } }, 400],
    ['a token that Facebook has ended', { error: { code: 190 } }, 400],
  ])('is a refusal for %s', async (_, body, status) => {
    expect((await refusalOf(body, status))?.code).toBe('LOGIN_REFUSED');
  });

  it.each<[string, unknown, number, string]>([
    ['a wrong secret', { error: 'invalid_client' }, 401, 'clientSecret'],
    ['a wrong secret at GitHub', { error: 'incorrect_client_credentials' }, 200, 'clientSecret'],
    ['a callback that is not registered', { error: 'redirect_uri_mismatch' }, 200, 'callback address'],
    ['a client that may not do this', { error: 'unauthorized_client' }, 400, 'clientId'],
    [
      'a callback that Facebook does not know',
      { error: { code: 100, error_subcode: 36_008 } },
      400,
      'callback address',
    ],
    ['a secret that Facebook does not know', { error: { code: 1, message: 'x' } }, 400, 'clientSecret'],
    ['an error of the server', { error: 'server_error' }, 400, 'server_error'],
    ['an error with a strange text', { error: 'line\nbreak' }, 400, 'an error without a known name'],
    ['an error of no known shape', { error: {} }, 400, 'server_error'],
    ['a list', [{ access_token: 'a-token' }], 200, 'no access token'],
    ['nothing', undefined, 200, 'no access token'],
    ['a token with a bad status', { access_token: 'a-token' }, 400, 'no access token'],
    ['an empty token', { access_token: '' }, 200, 'no access token'],
    ['a token that no header can hold', { access_token: 'a\r\nb' }, 200, 'no access token'],
    ['a token that is a number', { access_token: 7 }, 200, 'no access token'],
    ['a token of another type', { access_token: 'a-token', token_type: 'DPoP' }, 200, 'another type than Bearer'],
    ['a type that is no text', { access_token: 'a-token', token_type: ['bearer'] }, 200, 'another type than Bearer'],
  ])('is an outage for %s', async (_, body, status, explanation) => {
    const error = await refusalOf(body, status);

    expect(error?.code).toBe('SERVER_ERROR');
    expect(error?.explanation).toContain(explanation);
    expect(error?.explanation).not.toContain('\n');
  });

  it('states when to try again after 429', async () => {
    const error = await errorOf(() => read({}, 429, { get: (name) => (name === 'retry-after' ? '17' : null) }));

    expect(error).toMatchObject({ code: 'SERVER_ERROR', retryAfterSeconds: 17 });
  });
});
