/** A login at a certified OpenID provider (oidc-provider), from the address of the browser to the logout token. */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { openIdProvider, type OpenIdProviderOptions } from '../../src/login/providers/open-id-provider.js';
import { startServer } from '../support/answering-server.js';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';
import { openLogin } from '../support/provider-stand.js';
import { outcomeOf } from '../support/outcome.js';
import { Browser } from '../support/sign-in.js';

const redirectUri = 'https://api.example.com/auth/callback/corp';
const usual = {
  redirect_uris: [redirectUri],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  id_token_signed_response_alg: 'ES256',
};
const secret = 'a secret with + and : and %';
const clients = [
  { ...usual, client_id: 'basic app', client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' },
  { ...usual, client_id: 'post-app', client_secret: secret, token_endpoint_auth_method: 'client_secret_post' },
  { ...usual, client_id: 'public-app', token_endpoint_auth_method: 'none' },
];
/** The provider has the clock of the machine. */
const clock = { now: () => new Date() };

let op: OpenIdProvider;
let logoutTokens: string[];
beforeAll(async () => {
  op = await startOpenIdProvider([], clients);
});

const open = (more: Partial<OpenIdProviderOptions> = {}, issuer = op.issuer) =>
  openLogin(openIdProvider({ id: 'corp', issuer, clientId: 'basic app', clientSecret: secret, ...more }), { clock })
    .client;

/** Sends a browser to the provider, and gives what came back and what the login has kept. */
async function reach(client: ReturnType<typeof open>, name: string) {
  const kept = {
    redirectUri,
    nonce: randomBytes(16).toString('base64url'),
    codeVerifier: randomBytes(32).toString('base64url'),
  };
  const start = new URL(await client.authorizationUrl({ ...kept, state: 'the-state' }));
  const { searchParams } = await new Browser(name).guardContext(start, redirectUri);
  expect(searchParams.get('state')).toBe('the-state');
  return { exchange: { ...kept, code: searchParams.get('code') ?? '' }, iss: searchParams.get('iss') };
}

describe('a login at a certified provider', () => {
  it.each<[string, Partial<OpenIdProviderOptions>]>([
    ['a secret in a header', {}],
    ['a secret in the form', { clientId: 'post-app', clientAuthentication: 'client_secret_post' }],
    ['an answer in a form', { responseMode: 'form_post' }],
  ])('gives the person, with %s', async (_, more) => {
    const client = open(more);
    const { iss, exchange } = await reach(client, 'alice');
    await client.checkIssuer(iss);

    expect(await client.exchange(exchange)).toMatchObject({
      identity: {
        provider: 'corp',
        subject: 'alice',
        email: 'alice@example.com',
        emailVerified: true,
        name: 'Alice Example',
        pictureUrl: 'https://img.example/alice.png',
      },
      vouchesForEmail: false,
    });
  });

  it('gives the person to a public client', async () => {
    const client = openLogin(openIdProvider({ id: 'corp', issuer: op.issuer, clientId: 'public-app' }), {
      clock,
    }).client;
    const { exchange } = await reach(client, 'bob');

    expect((await client.exchange(exchange)).identity.subject).toBe('bob');
  });

  it('demands the issuer of the answer, which the provider announces', async () => {
    const client = open();

    expect((await reach(client, 'alice')).iss).toBe(op.issuer);
    expect(await outcomeOf(client.checkIssuer(null))).toBe('LOGIN_STATE');
    expect(await outcomeOf(client.checkIssuer('https://evil.example'))).toBe('LOGIN_STATE');
  });

  it('uses a code once', async () => {
    const client = open();
    const { exchange } = await reach(client, 'alice');
    await client.exchange(exchange);

    expect(await outcomeOf(client.exchange(exchange))).toBe('LOGIN_REFUSED');
  });

  it.each<[string, object]>([
    ['another verifier', { codeVerifier: randomBytes(32).toString('base64url') }],
    ['another callback', { redirectUri: `${redirectUri}/x` }],
    ['a code that nobody issued', { code: 'invented' }],
  ])('is refused with %s', async (_, other) => {
    const client = open();
    const { exchange } = await reach(client, 'alice');

    expect(await outcomeOf(client.exchange({ ...exchange, ...other }))).toBe('LOGIN_REFUSED');
  });

  it('is refused with the nonce of another login', async () => {
    const client = open();
    const { exchange } = await reach(client, 'alice');

    expect(await outcomeOf(client.exchange({ ...exchange, nonce: 'another' }))).toBe('LOGIN_REFUSED');
  });

  it('is an outage with a wrong secret', async () => {
    const client = open({ clientSecret: 'wrong' });
    const { exchange } = await reach(client, 'alice');

    expect(await outcomeOf(client.exchange(exchange))).toBe('SERVER_ERROR');
  });

  it('gives new tokens by the refresh token', async () => {
    const asked = { scopes: ['email', 'profile', 'offline_access'], authorizationParameters: { prompt: 'consent' } };
    const client = open(asked);
    const { exchange } = await reach(client, 'alice');
    const { tokens } = await client.exchange(exchange);
    const renewed = await client.refresh(tokens.refreshToken ?? '');

    expect(renewed.accessToken).not.toBe(tokens.accessToken);
    expect(renewed.expiresAt?.getTime()).toBeGreaterThan(Date.now());
    expect(await outcomeOf(client.refresh('invented'))).toBe('LOGIN_REFUSED');
  });

  it('goes on when the provider replaces its keys meanwhile', async () => {
    const client = open();
    const { exchange: first } = await reach(client, 'alice');
    await client.exchange(first);
    const { exchange: second } = await reach(client, 'alice');
    op.rotateKeys();

    expect((await client.exchange(second)).identity.subject).toBe('alice');
  });
});

describe('a logout at a certified provider', () => {
  /** A provider that sends its logout tokens to this test. */
  const openLogout = async () => {
    logoutTokens = [];
    const server = await startServer((request, response) => {
      void text(request).then((body) => {
        logoutTokens.push(new URLSearchParams(body).get('logout_token') ?? '');
        response.writeHead(200).end();
      });
    });
    const told = {
      ...usual,
      client_id: 'told-app',
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      backchannel_logout_uri: `${server.url}/logout`,
      backchannel_logout_session_required: true,
    };
    const provider = await startOpenIdProvider([], [told]);
    const client = open({ clientId: 'told-app' }, provider.issuer);
    return { provider, client };
  };

  it('is verified by the session that the login began in', async () => {
    const { provider, client } = await openLogout();
    const { exchange } = await reach(client, 'alice');
    const { sessionId } = await client.exchange(exchange);
    expect(sessionId).toEqual(expect.any(String));
    await provider.logOut('told-app', 'alice', sessionId ?? '');

    expect(await client.verifyLogout(logoutTokens[0] ?? '')).toMatchObject({ subject: 'alice', sessionId });
  });

  it('is refused for another client', async () => {
    const { provider } = await openLogout();
    await provider.logOut('told-app', 'alice', 'some-session');

    expect(await outcomeOf(open({}, provider.issuer).verifyLogout(logoutTokens[0] ?? ''))).toBe(
      'INVALID_TOKEN audience',
    );
  });
});
