import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { github } from '../../../src/login/providers/github.js';
import { login, type LoginReply, ProviderStand, openLogin, registration } from '../../support/provider-stand.js';
import { outcomeOf } from '../../support/outcome.js';

let stand: ProviderStand;
beforeAll(async () => {
  stand = await ProviderStand.start();
}, 30_000);
beforeEach(() => {
  stand.calls.length = 0;
});

const request = { redirectUri: login.redirectUri, state: 's', nonce: 'n', codeVerifier: login.codeVerifier };

describe('github', () => {
  const user = {
    id: 583231,
    login: 'alice',
    name: null,
    email: 'shown@example.com',
    avatar_url: 'https://img.example/a',
  };
  const emails = [
    { email: 'old@example.com', primary: false, verified: true, visibility: null },
    { email: 'alice@example.com', primary: true, verified: true, visibility: 'private' },
  ];
  const open = () => openLogin(github({ ...registration, baseUrl: stand.url }), stand);
  const granted = { access_token: 'gho_token', scope: 'read:user,user:email', token_type: 'bearer' };
  const answer = (replies: { token?: LoginReply; user?: LoginReply; emails?: LoginReply } = {}): void => {
    stand.replies['/login/oauth/access_token'] = replies.token ?? { body: granted };
    stand.replies['/api/v3/user'] = replies.user ?? { body: user };
    stand.replies['/api/v3/user/emails'] = replies.emails ?? { body: emails };
  };
  beforeEach(() => answer());

  it('sends the browser to GitHub with PKCE and without a nonce', async () => {
    const url = new URL(await openLogin(github(registration), stand).client.authorizationUrl(request));

    expect(`${url.origin}${url.pathname}`).toBe('https://github.com/login/oauth/authorize');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      scope: 'read:user user:email',
      code_challenge_method: 'S256',
    });
    expect(url.searchParams.has('nonce')).toBe(false);
  });

  it('sends code, verifier and secret in a form, and asks for JSON', async () => {
    await open().client.exchange(login);
    const [call] = stand.callsTo('/login/oauth/access_token');

    expect(call).toMatchObject({
      method: 'POST',
      path: '/login/oauth/access_token',
      headers: { accept: 'application/json' },
      form: {
        client_id: 'cat-app',
        client_secret: registration.clientSecret,
        code: 'the-code',
        redirect_uri: login.redirectUri,
        code_verifier: login.codeVerifier,
      },
    });
  });

  it('calls the API by its rules', async () => {
    await open().client.exchange(login);

    for (const path of ['/api/v3/user', '/api/v3/user/emails']) {
      expect(stand.callsTo(path)[0]?.headers).toMatchObject({
        authorization: 'Bearer gho_token',
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'nest-gatehouse',
      });
    }
  });

  it('finds the person by the number, and the address that is primary and verified', async () => {
    expect(await open().client.exchange(login)).toMatchObject({
      identity: {
        provider: 'github',
        subject: '583231',
        email: 'alice@example.com',
        emailVerified: true,
        name: null,
        pictureUrl: 'https://img.example/a',
        raw: { login: 'alice', emails },
      },
      vouchesForEmail: true,
      sessionId: null,
      tokens: { accessToken: 'gho_token', refreshToken: null, expiresAt: null, scopes: ['read:user', 'user:email'] },
    });
  });

  it.each<[string, LoginReply]>([
    ['is not verified', { body: [{ email: 'alice@example.com', primary: true, verified: false }] }],
    ['is verified by a text', { body: [{ email: 'alice@example.com', primary: true, verified: 'true' }] }],
    ['is not among them', { body: [{ email: 'old@example.com', primary: false, verified: true }] }],
    ['is in no list', { body: { message: 'x' } }],
    ['is in a list of nonsense', { body: [null, 7, 'a@b.example', {}] }],
    ['may not be read', { status: 403, body: { message: 'Resource not accessible' } }],
    ['was not granted', { status: 404, body: { message: 'Not Found' } }],
  ])('signs in without an address where the primary one %s', async (_, reply) => {
    answer({ emails: reply });
    const { identity, vouchesForEmail } = await open().client.exchange(login);

    expect([identity.email, identity.emailVerified, vouchesForEmail]).toEqual([null, false, false]);
  });

  it.each<[string, LoginReply]>([
    ['asks for a pause', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }],
    ['fails', { status: 502 }],
  ])('is an outage where the list of addresses %s', async (_, reply) => {
    answer({ emails: reply });

    expect(await outcomeOf(open().client.exchange(login))).toBe('SERVER_ERROR');
  });

  it.each<[string, LoginReply, string]>([
    ['a code that is wrong, with status 200', { body: { error: 'bad_verification_code' } }, 'LOGIN_REFUSED'],
    ['a secret that is wrong, with status 200', { body: { error: 'incorrect_client_credentials' } }, 'SERVER_ERROR'],
    ['a callback that is unknown, with status 200', { body: { error: 'redirect_uri_mismatch' } }, 'SERVER_ERROR'],
    [
      'an error in a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'error=bad_verification_code' },
      'LOGIN_REFUSED',
    ],
    [
      'a token in a form',
      {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'access_token=gho_token&scope=&token_type=bearer',
      },
      'accepted',
    ],
    ['nothing', { body: {} }, 'SERVER_ERROR'],
  ])('judges %s', async (_, token, outcome) => {
    answer({ token });

    expect(await outcomeOf(open().client.exchange(login))).toBe(outcome);
  });

  it.each([['583231'], [null], [1.5], [2 ** 53], [-1], [0], [{ id: 1 }]])('refuses the number %j', async (id) => {
    answer({ user: { body: { ...user, id } } });

    expect(await outcomeOf(open().client.exchange(login))).toBe('LOGIN_REFUSED');
  });

  it('checks the issuer of an answer where it comes, and does not demand it', async () => {
    const { client } = openLogin(github(registration), stand);

    expect(await outcomeOf(client.checkIssuer(null))).toBe('accepted');
    expect(await outcomeOf(client.checkIssuer('https://github.com/login/oauth'))).toBe('accepted');
    expect(await outcomeOf(client.checkIssuer('https://gitlab.com'))).toBe('LOGIN_STATE');
  });

  it('has no logout tokens', async () => {
    expect(await outcomeOf(open().client.verifyLogout('a.b.c'))).toBe('NOT_FOUND');
  });
});
