import { createPublicKey, verify } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import { contributingModule, findNothing, publishingModule } from '../support/issuing-app.js';
import { kidOf, openApp, settle } from '../support/shared-signing-keys.js';

const page = [
  ['Origin', 'https://page.example'],
  ['Access-Control-Request-Method', 'GET'],
  ['Access-Control-Request-Headers', 'mcp-protocol-version'],
] as const;

const jwks = '/.well-known/jwks.json';
const metadata = '/.well-known/oauth-authorization-server';

const text = expect.any(String) as unknown;

describe.each(platforms)('the published keys on $name', (platform) => {
  const opened = openApp();
  const keys = opened.start();
  let running: RunningApp;

  beforeAll(async () => {
    const findSigningKeys = (): typeof keys => keys;
    running = await startApp(platform, { imports: [publishingModule({ app: opened, findSigningKeys })] });
  });

  it('verify what the app signs', async () => {
    const { kid } = await keys.current();
    const answer = await running.call(jwks);
    const { keys: published } = answer.json as { keys: Record<string, unknown>[] };
    const key = createPublicKey({ key: { ...published[0] }, format: 'jwk' });
    const data = Buffer.from('data');

    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    });
    expect(published).toEqual([{ kty: 'EC', crv: 'P-256', x: text, y: text, kid, use: 'sig', alg: 'ES256' }]);
    expect(verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, await keys.sign(kid, data))).toBe(true);
  });

  it('have a new key at once after a rotation, and another ETag', async () => {
    const before = await running.call(jwks);
    await keys.rotate();
    const after = await running.call(jwks, { headers: [['If-None-Match', before.headers['etag'] ?? '']] });

    expect(after.status).toBe(200);
    expect((after.json as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)).toContain(await kidOf(keys));
  });

  it.each([jwks, metadata])('are not sent again when they have not changed: %s', async (path) => {
    const { headers } = await running.call(path);
    const etag = headers['etag'] ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await running.call(path, { headers: [['If-None-Match', known]] });
      expect([answer.status, answer.text, answer.headers['etag']]).toEqual([304, '', etag]);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    }
    expect((await running.call(path, { headers: [['If-None-Match', '"other"']] })).status).toBe(200);
  });

  it('are named in the metadata, with an authorization endpoint that offers nothing', async () => {
    const answer = await running.call(metadata);

    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    });
    expect(answer.json).toEqual({
      issuer: 'https://api.example.com',
      jwks_uri: 'https://api.example.com/.well-known/jwks.json',
      authorization_endpoint: 'https://api.example.com/oauth/authorize',
      response_types_supported: [],
      grant_types_supported: [],
    });
    const form = {
      method: 'POST',
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: 'a=b',
    } as const;
    for (const call of [{}, { method: 'POST' }, form] as const) {
      const refused = await running.call('/oauth/authorize?response_type=code', call);
      expect([refused.status, refused.json]).toEqual([400, { error: 'unsupported_response_type' }]);
      expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it.each([jwks, metadata])('answer HEAD and OPTIONS, and no other method: %s', async (path) => {
    const head = await running.call(path, { method: 'HEAD' });
    expect([head.status, head.text, head.headers['access-control-allow-origin']]).toEqual([200, '', '*']);
    const preflight = await running.call(path, { method: 'OPTIONS', headers: page });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'mcp-protocol-version',
      vary: 'Access-Control-Request-Headers',
    });
    expect((await running.call(path, { method: 'OPTIONS' })).status).toBe(204);
    expect((await running.call(path, { method: 'POST' })).status).toBe(404);
    expect((await running.call(`${path}?x=1`)).status).toBe(200);
    expect((await running.call(`${path}/other`)).status).toBe(404);
  });
});

describe.each(platforms)('the published keys of an app on $name', (platform) => {
  it('while the store does not answer: 503 with Retry-After before the first reading, afterwards from memory', async () => {
    const opened = openApp();
    const keys = opened.start();
    const running = await startApp(platform, {
      imports: [publishingModule({ app: opened, findSigningKeys: () => keys })],
    });
    opened.store.isDown = true;
    const refused = await running.call(jwks);
    expect(refused.status).toBe(503);
    expect(refused.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.json).toMatchObject({ statusCode: 503, code: 'SERVER_ERROR' });
    expect(refused.text).not.toContain('secret');

    opened.store.isDown = false;
    opened.clock.advanceSeconds(5);
    const answered = await running.call(jwks);
    expect(answered.status).toBe(200);
    opened.store.isDown = true;
    opened.clock.advanceSeconds(3_600);
    await running.call(jwks);
    await settle();
    expect((await running.call(jwks)).text).toBe(answered.text);
  });

  it('without a store: 500, and the log states what to do', async () => {
    const opened = openApp();
    const running = await startApp(platform, {
      imports: [publishingModule({ app: opened, findSigningKeys: findNothing })],
    });
    const answer = await running.call(jwks);

    expect(answer.json).toEqual({
      statusCode: 500,
      error: 'Internal Server Error',
      message: 'Internal server error',
      code: 'CONFIGURATION_ERROR',
    });
    expect(opened.events).toEqual([
      {
        type: 'misconfigured',
        problem: `GET ${jwks} cannot be answered. SessionsModule: there is no store`,
        fix: 'Import SqlStoresModule',
      },
    ]);
  });
});

describe('what other modules contribute', () => {
  it.each(platforms)('is in the metadata on $name', async (platform) => {
    const opened = openApp();
    const running = await startApp(platform, {
      imports: [
        contributingModule('ApiKeysModule', {
          token_endpoint: 'https://api.example.com/oauth/token',
          grant_types_supported: ['client_credentials'],
        }),
        publishingModule({ app: opened, findSigningKeys: () => opened.start() }),
        contributingModule('OtherModule', { grant_types_supported: ['client_credentials', 'refresh_token'] }),
      ],
    });

    expect((await running.call(metadata)).json).toMatchObject({
      token_endpoint: 'https://api.example.com/oauth/token',
      grant_types_supported: ['client_credentials', 'refresh_token'],
    });
  });

  it.each(platforms)('stops the start on $name when two claim a route', async (platform) => {
    const opened = openApp();
    const starting = startApp(platform, {
      imports: [
        publishingModule({ app: opened, findSigningKeys: () => opened.start() }),
        contributingModule('OtherModule', {}, ['GET /.well-known/jwks.json']),
      ],
    });

    await expect(starting).rejects.toThrow(/(?:OtherModule.*PublishingModule|PublishingModule.*OtherModule)/);
  });
});
