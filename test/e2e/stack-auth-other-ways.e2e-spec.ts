/** Signing in at Stack Auth as a guest, by a passkey, and by another provider without the routes of the app. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { alice, guestId, startStackAuthApp } from '../support/stack-auth-app.js';
import { exchangedCode, expectCookies, knownError, signedIn } from '../support/stack-auth-replies.js';
import { verdictOf } from '../support/verdicts.js';
import { readRecordedExchange, readRecordedTokens } from '../vectors/stack-auth/recorded.js';

const tokens = readRecordedTokens();
const json = { 'content-type': 'application/json' };

describe.each(platforms)('signing in at Stack Auth in other ways on $name', (platform) => {
  it('as a guest, whose token goes along with the sign-up, so that Stack Auth upgrades the guest', async () => {
    const { client, server } = await startStackAuthApp(platform, { issuer: { allowAnonymous: true } });
    const browser = client();
    const begun = await browser.begin('anonymous');
    expect(begun).toMatchObject({
      status: 200,
      json: { is_new_user: true, user: { id: guestId, isAnonymous: true, email: null } },
    });
    expectCookies(begun, tokens['anonymous-sign-up'], 'refresh-token-sample-1');
    expect(await browser.call('/me')).toMatchObject({ status: 200, json: { id: guestId, isAnonymous: true } });
    server.replies.set('POST /auth/password/sign-up', readRecordedExchange('password-sign-up').response);
    const upgraded = await browser.signUp();
    expect(upgraded).toMatchObject({ status: 200, json: { is_new_user: true } });
    expect(server.calls.at(-1)?.headers).toMatchObject({
      'x-stack-access-token': tokens['anonymous-sign-up'],
      'x-stack-allow-anonymous-user': 'true',
    });
  });

  it('as a guest, whose token goes along with the code of a mail as well', async () => {
    const { client, server } = await startStackAuthApp(platform, { issuer: { allowAnonymous: true } });
    const browser = client();
    await browser.begin('anonymous');
    const { status, headers, body } = readRecordedExchange('password-sign-in').response;
    server.replies.set('POST /auth/otp/sign-in', { status, headers, body });
    expect((await browser.begin('magic-link/confirm', { code: 'abcdefn0nce' })).status).toBe(200);
    expect(server.calls.at(-1)).toMatchObject({
      call: 'POST /auth/otp/sign-in',
      headers: { 'x-stack-access-token': tokens['anonymous-sign-up'], 'x-stack-allow-anonymous-user': 'true' },
    });
  });

  it('keeps a guest whose token has expired: the sign-up is refused until it is refreshed', async () => {
    const { client, server, clock } = await startStackAuthApp(platform);
    const browser = client();
    await browser.begin('anonymous');
    clock.advanceSeconds(601);
    const expired = readRecordedExchange('users-me-client-expired-anonymous-token').response;
    server.replies.set('POST /auth/password/sign-up', expired);
    expect(verdictOf(await browser.signUp())).toMatchObject({ status: 401, code: 'INVALID_TOKEN', reason: 'expired' });
    expect(browser.cookie('refresh')).toBe('refresh-token-sample-1');
  });

  it('does not send the token of a user who is no guest along with a sign-up', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    await browser.withPassword();
    expect((await browser.signUp()).status).toBe(200);
    expect(server.calls.at(-1)?.headers['x-stack-access-token']).toBeUndefined();
  });

  it('does not admit guests to guarded routes unless stackAuth() allows them', async () => {
    const { client } = await startStackAuthApp(platform);
    const browser = client();
    expect((await browser.begin('anonymous')).status).toBe(200);
    expect(verdictOf(await browser.call('/me'))).toMatchObject({
      status: 401,
      code: 'INVALID_TOKEN',
      reason: 'issuer',
    });
  });

  it('by a passkey', async () => {
    const { client, server, signIn } = await startStackAuthApp(platform);
    const options = { rpId: 'THIS_VALUE_WILL_BE_REPLACED.example.com', challenge: 'c2hvcnQ', allowCredentials: [] };
    server.replies.set('POST /auth/passkey/initiate-passkey-authentication', {
      status: 200,
      headers: json,
      body: { options_json: options, code: 'the code of the challenge' },
    });
    expect(await signIn.passkeyOptions()).toEqual({
      options: { challenge: 'c2hvcnQ', allowCredentials: [] },
      code: 'the code of the challenge',
    });
    const body = { response: { id: 'cred' }, code: 'the code of the challenge' };
    server.replies.set('POST /auth/passkey/sign-in', knownError('PASSKEY_AUTHENTICATION_FAILED', 400));
    expect(verdictOf(await client().post('/passkey', body))).toMatchObject({
      status: 401,
      code: 'INVALID_CREDENTIALS',
    });
    server.replies.set('POST /auth/passkey/sign-in', signedIn());
    expectCookies(await client().post('/passkey', body), tokens['password-sign-in'], 'refresh-token-sample-2');
    expect(JSON.parse(server.calls.at(-1)?.body ?? '')).toEqual({
      authentication_response: { id: 'cred' },
      code: 'the code of the challenge',
    });
  });

  it('by another provider, with PKCE', async () => {
    const { server, signIn } = await startStackAuthApp(platform);
    const codeVerifier = 'v'.repeat(43);
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const redirectUri = 'https://app.example.com/back';
    const url = new URL(signIn.oauthUrl({ provider: 'github', redirectUri, state: 's', codeChallenge }));
    expect(url.pathname).toBe('/api/v1/auth/oauth/authorize/github');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'c640df62-42eb-4693-89b3-44e61b852ecd',
      client_secret: 'pck_sample_1',
      response_type: 'code',
      grant_type: 'authorization_code',
      scope: 'legacy',
      state: 's',
      redirect_uri: redirectUri,
      code_challenge: codeChallenge,
      code_challenge_method: 'S256',
    });
    server.replies.set('POST /auth/oauth/token', exchangedCode(true));
    const session = await signIn.withOAuthCode({ code: 'c', redirectUri, codeVerifier });
    expect(session).toMatchObject({ userId: alice.id, isNewUser: true, refreshToken: 'refresh-token-sample-2' });
    expect(Object.fromEntries(new URLSearchParams(server.calls.at(-1)?.body))).toEqual({
      grant_type: 'authorization_code',
      code: 'c',
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
      client_id: 'c640df62-42eb-4693-89b3-44e61b852ecd',
      client_secret: 'pck_sample_1',
    });
    expect(() => signIn.oauthUrl({ provider: '../users', redirectUri, state: 's', codeChallenge })).toThrow(
      'Not found',
    );
  });
});
