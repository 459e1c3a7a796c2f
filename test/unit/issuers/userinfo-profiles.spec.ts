import { describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import { oidc } from '../../../src/issuers/oidc.js';
import { type AnsweringServer, startServer } from '../../support/answering-server.js';
import { createdOf } from '../../support/created.js';
import { openProfiles, userOf } from '../../support/asked-profiles.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';

const json = { 'content-type': 'application/json' };
const openId = '/.well-known/openid-configuration';

interface Told {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** An issuer whose userinfo endpoint answers as told; and what its metadata says, changed as told. */
async function open(told: Told | (() => Told), metadata: (url: string) => object = () => ({})) {
  const server: AnsweringServer = await startServer((request, response) => {
    const { url } = server;
    if (request.url === openId) {
      const document = { issuer: url, jwks_uri: `${url}/keys`, userinfo_endpoint: `${url}/userinfo`, ...metadata(url) };
      response.writeHead(200, json).end(JSON.stringify(document));
      return;
    }
    const { status = 200, headers = json, body = {} } = typeof told === 'function' ? told() : told;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  const provider = oidc({ issuer: server.url, audience: 'api' });
  return { server, provider, ...asked(provider) };
}

function asked(provider: IdentityProvider) {
  const caller = userOf(provider, 'a.b.c', { sub: 'alice' });
  return { caller, ...openProfiles(provider) };
}

const paths = (server: AnsweringServer): readonly string[] => server.requests.map(({ path }) => path);
const alice = { sub: 'alice', name: 'Alice' };
const bob = { sub: 'bob', name: 'Bob' };

describe('a userinfo endpoint', () => {
  it('is asked with the token of the caller, for JSON', async () => {
    const { profiles, caller, server } = await open({ body: alice });
    await profiles.get(caller);

    expect(server.requests.at(-1)).toMatchObject({
      method: 'GET',
      path: '/userinfo',
      headers: { authorization: 'Bearer a.b.c', accept: 'application/json' },
    });
  });

  it('that wants fewer calls by one user is asked for the others', async () => {
    let status = 429;
    const { profiles, caller, provider } = await open(() => ({
      status,
      headers: { ...json, 'retry-after': '30' },
      body: bob,
    }));
    expect(await outcomeOf(profiles.get(caller))).toBe('SERVER_ERROR');
    status = 200;

    expect(await outcomeOf(profiles.get(userOf(provider, 'd.e.f', { sub: 'bob' })))).toBe('accepted');
  });

  it('is looked for once, for keys and profiles together', async () => {
    const issuer = await startIssuer({ path: '/realms/x' });
    issuer.setUserInfo('alice', { name: 'Alice' });
    const provider = oidc({ issuer: issuer.url, audience: 'api' });
    const token = await issuer.token({ sub: 'alice', aud: 'api' });
    const { profiles, context } = openProfiles(provider);
    const keys = createdOf(provider.issuers[0]?.keys, context);

    await Promise.all([profiles.get(userOf(provider, token)), keys.obtain(() => true)]);
    expect((await profiles.get(userOf(provider, token))).displayName).toBe('Alice');
    expect(issuer.requests).toEqual({ discovery: 1, jwks: 1, introspection: 0, userinfo: 2, total: 4 });
  });

  it('is looked for where the app says', async () => {
    const issuer = await startIssuer({ path: '/inside' });
    const { profiles, caller } = asked(
      oidc({ issuer: ['https://login.example', issuer.url], audience: 'api', discoveryUrl: `${issuer.url}${openId}` }),
    );

    expect(caller.issuer).toBe('https://login.example');
    expect(await outcomeOf(profiles.get(caller))).toBe('INVALID_TOKEN revoked');
    expect(issuer.requests).toMatchObject({ discovery: 1, userinfo: 1 });
  });

  it('is that of the issuer of the token, where there are several', async () => {
    const [one, other] = await Promise.all([startIssuer(), startIssuer()]);
    other.setUserInfo('alice', { name: 'Another Alice' });
    const { profiles, caller } = asked(oidc({ issuer: [other.url, one.url], audience: 'api' }));
    const token = await other.token({ sub: 'alice' });

    expect(caller.issuer).toBe(other.url);
    const user = userOf(oidc({ issuer: other.url, audience: 'api' }), token);
    expect((await profiles.get(user)).displayName).toBe('Another Alice');
    expect(one.requests.total).toBe(0);
  });

  it('is looked up again when it has moved', async () => {
    let place = '/old';
    const { profiles, caller, server } = await open(
      () => (paths(server).at(-1) === place ? { body: alice } : { status: 404 }),
      (url) => ({ userinfo_endpoint: `${url}${place}` }),
    );
    await profiles.get(caller);
    place = '/new';

    expect(await outcomeOf(profiles.get(caller))).toBe('SERVER_ERROR');
    expect(await outcomeOf(profiles.get(caller))).toBe('accepted');
    expect(paths(server)).toEqual([openId, '/old', '/old', openId, '/new']);
  });

  it.each([
    'http://login.example/userinfo',
    'ftp://127.0.0.1/userinfo',
    'https://a:b@login.example/',
    '/userinfo',
    7,
    '',
  ])('that may not be called is not: %s', async (endpoint) => {
    const { profiles, caller, server } = await open({ body: alice }, () => ({ userinfo_endpoint: endpoint }));
    const error = await errorOf(profiles.get(caller));

    expect([error?.code, error?.explanation]).toEqual(['SERVER_ERROR', expect.stringContaining('userinfo_endpoint')]);
    expect(paths(server)).toEqual([openId]);
  });

  it('that there is none is the configuration, and it is said what to do', async () => {
    const { profiles, caller, events } = await open({}, () => ({ userinfo_endpoint: undefined }));
    const thrown: unknown = await profiles.get(caller).catch((error: unknown) => error);
    const { path, message } = configurationErrorOf(() => {
      throw thrown;
    });

    expect([path, message]).toEqual(['oidc', expect.stringContaining('jwtIssuer({ profiles })')]);
    expect(events).toMatchObject([{ type: 'outage-began' }]);
  });

  it('is not sent a token that no header can send', async () => {
    const { profiles, server } = await open({ body: alice });
    const provider = oidc({ issuer: server.url, audience: 'api' });
    const user = userOf(provider, 'a\r\nb', { sub: 'alice' });

    expect(await outcomeOf(profiles.get(user))).toBe('INVALID_TOKEN malformed');
    expect(server.requests).toEqual([]);
  });
});

describe('an answer of a userinfo endpoint', () => {
  const challenge = (text: string) => ({ ...json, 'www-authenticate': text });

  it.each<[string, Told, string]>([
    ['invalid_token', { status: 401, headers: challenge('Bearer error="invalid_token"') }, 'INVALID_TOKEN revoked'],
    ['no word', { status: 401, headers: {} }, 'INVALID_TOKEN revoked'],
    ['plain text', { status: 401, headers: { 'content-type': 'text/plain' }, body: 'No' }, 'INVALID_TOKEN revoked'],
    [
      'insufficient_scope',
      { status: 403, headers: challenge('Bearer realm="x", error="insufficient_scope", scope="openid"') },
      'INSUFFICIENT_SCOPE',
    ],
    [
      'insufficient_scope, unquoted',
      { status: 403, headers: challenge('Bearer error=insufficient_scope') },
      'INSUFFICIENT_SCOPE',
    ],
    [
      'insufficient_scope with 401',
      { status: 401, headers: challenge('Bearer error="insufficient_scope"') },
      'INSUFFICIENT_SCOPE',
    ],
    ['insufficient_scope in the body', { status: 403, body: { error: 'insufficient_scope' } }, 'INSUFFICIENT_SCOPE'],
    [
      'another description',
      { status: 403, headers: challenge('Bearer error_description="insufficient_scope"') },
      'SERVER_ERROR',
    ],
    [
      'a refusal of somebody on the way',
      { status: 403, headers: { 'content-type': 'text/html' }, body: '<p>' },
      'SERVER_ERROR',
    ],
    ['a bad request', { status: 400, body: { error: 'invalid_token' } }, 'SERVER_ERROR'],
    ['what is not there', { status: 404 }, 'SERVER_ERROR'],
    ['another subject', { body: { ...alice, sub: 'bob' } }, 'SERVER_ERROR'],
    ['a subject in other letters', { body: { ...alice, sub: 'Alice' } }, 'SERVER_ERROR'],
    ['no subject', { body: { name: 'Alice' } }, 'SERVER_ERROR'],
  ])('with %s comes to its meaning: %j, %s', async (_, told, outcome) => {
    const { profiles, caller } = await open(told);
    expect(await outcomeOf(profiles.get(caller))).toBe(outcome);
  });

  it('that the token was not granted enough names the scope, and what to ask for', async () => {
    const { profiles, caller } = await open({ status: 403, headers: challenge('Bearer error="insufficient_scope"') });
    const error = await errorOf(profiles.get(caller));

    expect(error).toMatchObject({ requiredScopes: ['openid'] });
    expect(error?.explanation).toMatch(/openid.*profile and email/);
  });

  it('that is a signed JWT is not read, and it is said what to change', async () => {
    const headers = { 'content-type': 'application/jwt; charset=utf-8' };
    const { profiles, caller } = await open({ headers, body: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.' });
    const error = await errorOf(profiles.get(caller));

    expect([error?.code, error?.explanation]).toEqual([
      'SERVER_ERROR',
      expect.stringContaining('userinfo_signed_response_alg'),
    ]);
  });

  it.each<[object, object]>([
    [{}, { displayName: null, primaryEmail: null, primaryEmailVerified: null, profileImageUrl: null }],
    [{ name: 'Alice E', given_name: 'A', preferred_username: 'a' }, { displayName: 'Alice E' }],
    [{ given_name: 'Alice', family_name: 'Example', preferred_username: 'a' }, { displayName: 'Alice Example' }],
    [{ family_name: 'Example' }, { displayName: 'Example' }],
    [{ name: '', given_name: null, preferred_username: 'alice.e' }, { displayName: 'alice.e' }],
    [{ email: 'a@b.example' }, { primaryEmail: 'a@b.example', primaryEmailVerified: null }],
    [{ email: 'a@b.example', email_verified: false }, { primaryEmailVerified: false }],
    [{ email: 'a@b.example', email_verified: 'true' }, { primaryEmailVerified: true }],
    [{ email: 'a@b.example', email_verified: 'false' }, { primaryEmailVerified: false }],
    [{ picture: 'https://img.example/a.png' }, { profileImageUrl: 'https://img.example/a.png' }],
  ])('is read as it is granted: %j', async (claims, profile) => {
    const { profiles, caller } = await open({ body: { sub: 'alice', ...claims } });
    expect(await profiles.get(caller)).toMatchObject({ id: 'alice', ...profile, raw: { sub: 'alice', ...claims } });
  });
});

describe('an issuer that does not answer', () => {
  it('gives no profiles, and is not taken to have refused anybody', async () => {
    const issuer = await startIssuer();
    const provider = oidc({ issuer: issuer.url, audience: 'api' });
    const { profiles } = openProfiles(provider);
    const user = userOf(provider, await issuer.token({ sub: 'alice' }));
    for (const only of ['discovery', 'userinfo'] as const) {
      issuer.fail('garbage', { only });
      expect([only, await outcomeOf(profiles.get(user))]).toEqual([only, 'SERVER_ERROR']);
      issuer.recover();
      expect([only, await outcomeOf(profiles.get(user))]).toEqual([only, 'accepted']);
    }
  });
});
