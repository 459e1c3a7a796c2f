/** Signing in at Stack Auth by the routes of the app: every way, the cookies, the bodies, and what is refused. */
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { setCookiesOf } from '../support/session-app.js';
import { alice, startStackAuthApp } from '../support/stack-auth-app.js';
import { expectCookies, knownError, signedIn } from '../support/stack-auth-replies.js';
import { accessDenied, invalidRequest, verdictOf } from '../support/verdicts.js';
import { readRecordedExchange, readRecordedTokens } from '../vectors/stack-auth/recorded.js';

const tokens = readRecordedTokens();
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';
const json = { 'content-type': 'application/json' };

const aliceInAnswers = {
  id: alice.id,
  email: alice.email,
  emailVerified: false,
  username: null,
  name: null,
  givenName: null,
  familyName: null,
  pictureUrl: null,
  isAnonymous: false,
  hasPassword: null,
  roles: [],
  scopes: [],
};

describe.each(platforms)('signing in at Stack Auth on $name', (platform) => {
  it('by password sets the cookies, which guarded routes read', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    const answer = await browser.withPassword();
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ user: aliceInAnswers, expires_in: 590, is_new_user: false });
    expectCookies(answer, tokens['password-sign-in'], 'refresh-token-sample-2');
    expect(await browser.call('/me')).toMatchObject({ status: 200, json: { id: alice.id, provider: 'stack-auth' } });
    expect(await browser.post('/change')).toMatchObject({ status: 201, json: { by: alice.id } });
    expect(server.calls.map(({ call }) => call)).toEqual(['POST /auth/password/sign-in']);
  });

  it('by password delivers the tokens in the body, where the client asks for it', async () => {
    const { client } = await startStackAuthApp(platform);
    const app = client('body');
    const answer = await app.withPassword();
    expect(answer.json).toEqual({
      access_token: tokens['password-sign-in'],
      token_type: 'Bearer',
      expires_in: 590,
      refresh_token: 'refresh-token-sample-2',
      user: aliceInAnswers,
      is_new_user: false,
    });
    expect(setCookiesOf(answer)).toEqual([]);
    expect(await app.call('/me')).toMatchObject({ status: 200, json: { id: alice.id } });
  });

  it('with remember: false leaves Max-Age out, after a refresh as well, until the next sign-in', async () => {
    const { client } = await startStackAuthApp(platform);
    const browser = client();
    const answer = await browser.signUp({ remember: false });
    expect(setCookiesOf(answer)).toEqual([
      `__Host-session-only=1; ${attributes}`,
      `__Host-access=${tokens['password-sign-up'] ?? ''}; ${attributes}`,
      `__Host-refresh=refresh-token-sample-5; ${attributes}`,
    ]);
    for (const line of setCookiesOf(await browser.refresh())) expect(line).not.toContain('Max-Age');
    await browser.signUp();
    expect([...browser.jar.keys()].sort()).toEqual(['__Host-access', '__Host-refresh']);
    expectCookies(await browser.refresh(), tokens['session-refresh'], 'refresh-token-sample-5');
  });

  it('refuses a wrong password, a taken address and a weak password', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    expect(verdictOf(await browser.begin('sign-in', { email: alice.email, password: 'not-the-password' }))).toEqual({
      status: 401,
      challenge: 'Bearer',
      code: 'INVALID_CREDENTIALS',
    });
    server.replies.set('POST /auth/password/sign-up', readRecordedExchange('password-sign-up-duplicate').response);
    expect(verdictOf(await browser.signUp())).toEqual({ status: 409, challenge: undefined, code: 'EMAIL_TAKEN' });
    server.replies.set('POST /auth/password/sign-up', knownError('PASSWORD_TOO_SHORT', 400, { min_length: 8 }));
    expect(verdictOf(await browser.signUp())).toEqual({ status: 400, challenge: undefined, code: 'WEAK_PASSWORD' });
    server.replies.set('POST /auth/password/sign-up', knownError('PASSWORD_TOO_LONG', 400, { maxLength: 70 }));
    expect(await browser.signUp()).toMatchObject({
      status: 400,
      json: { code: 'INVALID_INPUT', fields: [{ path: 'password', message: 'at most 70 characters are expected' }] },
    });
    expect(browser.jar.size).toBe(0);
  });

  it.each(['a\u0000b', 'a\u001fb', 'a\u007fb', '\ud800'])(
    'does not send %j, which the server fails on',
    async (text) => {
      const { client, server } = await startStackAuthApp(platform);
      for (const [route, body, path] of [
        ['sign-in', { email: alice.email, password: text }, 'password'],
        ['sign-up', { email: text, password: alice.password }, 'email'],
        ['sign-in/totp', { attemptCode: text, code: '123456' }, 'attemptCode'],
        ['magic-link/confirm', { code: 'c', nonce: text }, 'nonce'],
      ] as const) {
        expect(await client().begin(route, body)).toMatchObject({
          status: 400,
          json: { code: 'INVALID_INPUT', fields: [{ path }] },
        });
      }
      expect(server.calls).toEqual([]);
    },
  );

  it('names the member that Stack Auth does not accept', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const message =
      'Request validation failed on POST /api/v1/auth/password/sign-in:\n  - body.email must be a valid email';
    server.replies.set('POST /auth/password/sign-in', knownError('SCHEMA_ERROR', 400, { message }));
    const answer = await client().withPassword({ email: 'no address' });
    expect(answer).toMatchObject({
      status: 400,
      json: { code: 'INVALID_INPUT', fields: [{ path: 'email', message: 'it is not accepted' }] },
    });
  });

  it('asks for the second factor, and signs in with it', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    const details = { attempt_code: 'an attempt of the server' };
    server.replies.set('POST /auth/password/sign-in', knownError('MULTI_FACTOR_AUTHENTICATION_REQUIRED', 400, details));
    const first = await browser.withPassword();
    expect(verdictOf(first)).toEqual({ status: 401, challenge: 'Bearer', code: 'MFA_REQUIRED' });
    const { attemptCode } = first.json as { attemptCode: string };
    expect(attemptCode).toBe('an attempt of the server');
    server.replies.set('POST /auth/mfa/sign-in', knownError('INVALID_TOTP_CODE', 400));
    expect(verdictOf(await browser.begin('sign-in/totp', { attemptCode, code: '000000' }))).toEqual({
      status: 400,
      challenge: undefined,
      code: 'INVALID_CODE',
    });
    server.replies.set('POST /auth/mfa/sign-in', signedIn());
    const second = await browser.begin('sign-in/totp', { attemptCode, code: '123456' });
    expect(second.status).toBe(200);
    expectCookies(second, tokens['password-sign-in'], 'refresh-token-sample-2');
    expect(JSON.parse(server.calls.at(-1)?.body ?? '')).toEqual({ type: 'totp', totp: '123456', code: attemptCode });
  });

  it('by a mail, with the code of the link and with the typed one', async () => {
    const links = { magicLink: 'https://app.example.com/in', verifyEmail: 'https://app.example.com/verify' };
    const { client, server } = await startStackAuthApp(platform, { module: { links } });
    const browser = client();
    server.replies.set('POST /auth/otp/send-sign-in-code', { status: 200, headers: json, body: { nonce: 'n0nce' } });
    server.replies.set('POST /auth/otp/sign-in', signedIn({ is_new_user: true }));
    expect(await browser.post('/auth/magic-link', { email: alice.email })).toMatchObject({
      status: 202,
      json: { nonce: 'n0nce' },
    });
    expect(JSON.parse(server.calls[0]?.body ?? '')).toEqual({ email: alice.email, callback_url: links.magicLink });
    const answer = await browser.begin('magic-link/confirm', { code: 'abcdefn0nce' });
    expect(answer).toMatchObject({ status: 200, json: { is_new_user: true, user: { id: alice.id } } });
    expectCookies(answer, tokens['password-sign-in'], 'refresh-token-sample-2');
    await browser.begin('magic-link/confirm', { code: ' ABCDEF', nonce: 'n0nce' });
    expect(server.calls.slice(1).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { code: 'abcdefn0nce' },
      { code: 'abcdefn0nce' },
    ]);
    for (const [code, status] of [
      ['VERIFICATION_CODE_NOT_FOUND', 404],
      ['VERIFICATION_CODE_EXPIRED', 400],
      ['VERIFICATION_CODE_ALREADY_USED', 409],
      ['VERIFICATION_CODE_MAX_ATTEMPTS_REACHED', 400],
    ] as const) {
      server.replies.set('POST /auth/otp/sign-in', knownError(code, status));
      const refused = await browser.begin('magic-link/confirm', { code: 'abcdefn0nce' });
      expect(verdictOf(refused), code).toEqual({ status: 400, challenge: undefined, code: 'INVALID_CODE' });
    }
    await browser.signUp();
    expect(JSON.parse(server.calls.at(-1)?.body ?? '')).toMatchObject({ verification_callback_url: links.verifyEmail });
  });

  it('refuses pages of other sites, other media types, and bodies that break a rule, before anything is called', async () => {
    const { client, server, app } = await startStackAuthApp(platform);
    const routes = [
      'sign-in',
      'sign-in/totp',
      'sign-up',
      'anonymous',
      'magic-link',
      'magic-link/confirm',
      'refresh',
      'sign-out',
    ];
    for (const route of routes) {
      const foreign = [['Origin', 'https://evil.example']] as const;
      const body = { email: alice.email, password: alice.password };
      expect(verdictOf(await client().post(`/auth/${route}`, body, foreign)), route).toEqual(accessDenied);
      const form = {
        method: 'POST',
        headers: [['Content-Type', 'application/x-www-form-urlencoded']],
        body: 'a=1',
      } as const;
      expect(verdictOf(await app.call(`/auth/${route}`, form)), route).toMatchObject({
        status: 415,
        code: 'INVALID_REQUEST',
      });
    }
    expect(server.calls).toEqual([]);
    expect(await client().begin('sign-in', { email: alice.email, passwort: 'x' })).toMatchObject({
      status: 400,
      json: { code: 'INVALID_INPUT', fields: [{ path: 'passwort' }] },
    });
    expect(await client().begin('sign-in')).toMatchObject({
      status: 400,
      json: {
        fields: [
          { path: 'email', message: 'it is missing' },
          { path: 'password', message: 'it is missing' },
        ],
      },
    });
    const wrong = await client().post('/auth/sign-in', {}, [['X-Token-Delivery', 'post']]);
    expect(verdictOf(wrong)).toEqual(invalidRequest);
    expect(server.calls).toEqual([]);
    // No cookie is set for such a client, so a page of another site gains nothing.
    const tokenClient = await client('body').post('/auth/sign-in', { email: alice.email, password: alice.password }, [
      ['Origin', 'https://evil.example'],
      ['X-Token-Delivery', 'body'],
    ]);
    expect(tokenClient.status).toBe(200);
  });

  it('answers 404 for what the project does not have enabled', async () => {
    const { client, server } = await startStackAuthApp(platform);
    server.replies.set('POST /auth/password/sign-in', knownError('PASSWORD_AUTHENTICATION_NOT_ENABLED', 400));
    server.replies.set('POST /auth/otp/send-sign-in-code', {
      status: 403,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-stack-request-id': 'r' },
      body: 'OTP sign-in is not enabled for this project',
    });
    const notFound = { status: 404, challenge: undefined, code: 'NOT_FOUND' };
    expect(verdictOf(await client().withPassword())).toEqual(notFound);
    expect(verdictOf(await client().post('/auth/magic-link', { email: alice.email }))).toEqual(notFound);
  });
});
