import { request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { startIssuer } from '../../support/started-issuer.js';
import { failureOf, oauthPath, openIdPath, statusOf } from './issuer-answers.js';

describe('the documents of a test issuer', () => {
  it('describe it by OpenID Connect and by RFC 8414', async () => {
    const issuer = await startIssuer();
    const answer = await fetch(issuer.url + openIdPath);
    const document: unknown = await answer.json();

    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(document).toEqual({
      issuer: issuer.url,
      jwks_uri: issuer.jwksUri,
      authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`,
      userinfo_endpoint: `${issuer.url}/userinfo`,
      introspection_endpoint: `${issuer.url}/introspect`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
    expect(await (await fetch(issuer.url + oauthPath)).json()).toEqual(document);
  });

  it.each([
    ['both', 200, 200],
    ['oidc', 200, 404],
    ['oauth', 404, 200],
    ['none', 404, 404],
  ] as const)('are those of the discovery option %s, and both paths are counted', async (discovery, openId, oauth) => {
    const issuer = await startIssuer({ discovery });

    expect(await statusOf(issuer.url + openIdPath)).toBe(openId);
    expect(await statusOf(issuer.url + oauthPath)).toBe(oauth);
    expect(issuer.requests).toEqual({ jwks: 0, discovery: 2, introspection: 0, userinfo: 0, total: 2 });
  });

  it.each(['/realms/demo', '/realms/demo/', 'realms/demo'])('are served below the path %s', async (path) => {
    const issuer = await startIssuer({ path });
    const { origin } = new URL(issuer.url);

    expect(issuer.url).toBe(`${origin}/realms/demo`);
    expect(issuer.jwksUri).toBe(`${origin}/realms/demo/.well-known/jwks.json`);
    expect(await statusOf(issuer.jwksUri)).toBe(200);
    expect(await statusOf(issuer.url + openIdPath)).toBe(200);
    expect(await statusOf(`${origin}${oauthPath}/realms/demo`)).toBe(200);
    expect(await statusOf(origin + openIdPath)).toBe(404);
  });

  it('state a url on loopback without a trailing slash', async () => {
    expect((await startIssuer()).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await startIssuer({ path: '/' })).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('are served at the configured port, or start fails', async () => {
    const first = await startIssuer();
    const port = Number(new URL(first.url).port);

    await expect(startIssuer({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.stop();
    expect((await startIssuer({ port })).url).toBe(first.url);
  });

  it('are counted, including unknown paths and failed responses', async () => {
    const issuer = await startIssuer();
    await statusOf(issuer.jwksUri);
    await statusOf(`${issuer.jwksUri}?fresh=true`);
    await statusOf(`${issuer.url}/elsewhere-unknown`);
    issuer.fail('503');
    await statusOf(issuer.jwksUri);
    await statusOf(issuer.url + openIdPath);

    expect(issuer.requests).toEqual({ jwks: 3, discovery: 1, introspection: 0, userinfo: 0, total: 5 });
  });

  it('are served for GET and HEAD only', async () => {
    const issuer = await startIssuer();

    expect((await fetch(issuer.jwksUri, { method: 'POST' })).status).toBe(405);
    expect((await fetch(issuer.jwksUri, { method: 'HEAD' })).status).toBe(200);
  });

  it('have the configured cache-control header, on the key set only', async () => {
    const issuer = await startIssuer({ cacheControl: 'max-age=60' });

    expect((await fetch(issuer.jwksUri)).headers.get('cache-control')).toBe('max-age=60');
    expect((await fetch(issuer.url + openIdPath)).headers.get('cache-control')).toBeNull();
    expect((await fetch((await startIssuer()).jwksUri)).headers.get('cache-control')).toBeNull();
  });

  it('include a delayed key set, and no other delayed document', async () => {
    const issuer = await startIssuer({ keyDelayMs: 60_000 });
    let done = false;
    const slow = failureOf(fetch(issuer.jwksUri).finally(() => (done = true)));

    expect(await statusOf(issuer.url + openIdPath)).toBe(200);
    await expect.poll(() => issuer.requests.jwks).toBe(1);
    expect(done).toBe(false);
    await issuer.stop();
    expect(await slow).toBe('UND_ERR_SOCKET');
  });

  it('are sent after the delay', async () => {
    const issuer = await startIssuer({ keyDelayMs: 20 });
    const before = performance.now();

    expect(await statusOf(issuer.jwksUri)).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  });
});

describe('TestIssuer.stop', () => {
  it.each(['hang', 'drip', 'oversize'] as const)('returns at once while a request meets %s', async (fault) => {
    const issuer = await startIssuer();
    issuer.fail(fault);
    const outcome = new Promise<string>((resolve) => {
      const pending = request(issuer.jwksUri, (answer) => answer.pause().on('error', () => resolve('cut')));
      pending.on('error', () => resolve('cut')).end();
    });
    await expect.poll(() => issuer.requests.jwks).toBe(1);
    const before = performance.now();
    await issuer.stop();

    expect(performance.now() - before).toBeLessThan(1_000);
    if (fault !== 'oversize') {
      expect(await outcome).toBe('cut');
    }
  });

  it('closes idle connections, and may be called twice', async () => {
    const issuer = await startIssuer();
    await statusOf(issuer.jwksUri);
    await issuer.stop();
    await issuer.stop();

    expect(await failureOf(fetch(issuer.jwksUri))).toBe('ECONNREFUSED');
  });

  it('is called by `await using`', async () => {
    const issuer = await startIssuer();
    await issuer[Symbol.asyncDispose]();

    expect(await failureOf(fetch(issuer.jwksUri))).toBe('ECONNREFUSED');
  });
});

describe('nest-gatehouse/testing', () => {
  it('exports what the list says and nothing else that exists at run time', async () => {
    expect(Object.keys(await import('nest-gatehouse/testing')).sort()).toEqual([
      'MemoryRevocationStore',
      'TestIssuer',
      'TestMailbox',
      'describeAccountStore',
      'describeApiKeyStore',
      'describeAttemptStore',
      'describeAuthenticationScheme',
      'describeDpopReplayStore',
      'describeGroupStore',
      'describeIdentityProvider',
      'describeOneTimeCodeStore',
      'describePasskeyStore',
      'describeProviderTokenStore',
      'describeRevocationStore',
      'describeSessionStore',
      'describeSigningKeyStore',
      'describeTransportPlugin',
      'memoryStores',
    ]);
  });
});
