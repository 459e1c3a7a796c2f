/** The API keys that PropelAuth issues: who the caller is, refusals, the limit of a key, outages, and what cannot go together. */
import {
  type AuthModuleOptions,
  defineProvider,
  fromBearer,
  mapStandardClaims,
  oidc,
  propelAuth,
  stackAuth,
} from 'nest-gatehouse';
import { apiKeys, ApiKeyService, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it, vi } from 'vitest';
import { platforms } from '../support/app.js';
import type { OpenResponse } from '../support/open-response.js';
import { type ProviderKeyApp, startProviderKeyApp } from '../support/provider-key-app.js';
import {
  type KeyServer,
  propelAnswers,
  stackConfirms,
  stackKey,
  startPropelKeyServer,
  startStackKeyServer,
} from '../support/provider-key-servers.js';
import { OnlineController, streamPlatforms, StreamsStand } from '../support/streams-app.js';
import { unavailable, verdictOf } from '../support/verdicts.js';
import { jonas } from '../vectors/propel-auth/users.js';

const authUrl = 'https://auth.lumenworks.example';
const validate = 'POST /api/backend/v1/end_user_api_keys/validate';
const key = 'd41c7e902b3a4f6d8c15a0e9b7d6f342d41c7e902b3a4f6d8c15a0e9b7d6f342';
const other = 'f'.repeat(64);
// Without a key at start, PropelAuth would be asked for its verifier key.
const propel = (apiUrl: string, options = {}): ReturnType<typeof propelAuth> =>
  propelAuth({ authUrl, apiKey: 'backend-key', apiUrl, apiKeys: true, ...options });

describe.each(platforms)('API keys of PropelAuth on $name', (platform) => {
  async function start(
    answer: keyof typeof propelAnswers = 'personal',
  ): Promise<ProviderKeyApp & { server: KeyServer }> {
    const server = await startPropelKeyServer();
    server.keys.set(key, propelAnswers[answer]);
    return { ...(await startProviderKeyApp(platform, propel(server.url))), server };
  }

  it('makes the caller the user, and asks once in 30 seconds', async () => {
    const { app, clock, server, status } = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.call('/caller', { token: key })));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(answers[0]?.json).toMatchObject({
      id: jonas.user_id,
      issuer: authUrl,
      provider: 'api-key',
      email: jonas.email,
      emailVerified: true,
      name: 'Jonas Okafor',
      clientId: null,
      organizations: [],
      claims: { metadata: { plan: 'pro' } },
      credential: { kind: 'api-key', id: null, scheme: 'Bearer' },
      expiresAt: null,
    });
    expect(server.calls).toEqual([validate]);
    expect(server.lastHeaders).toMatchObject({
      authorization: 'Bearer backend-key',
      'x-propelauth-url': 'auth.lumenworks.example',
    });
    clock.advanceSeconds(30);
    expect(await status(key)).toBe(200);
    expect(server.calls).toHaveLength(2);
  });

  it('counts a key of an organization in this one only: with the rights of its member, or with none', async () => {
    const { app, server, status } = await start('ofMember');
    const { json } = await app.call('/caller', { token: key });
    expect(json).toMatchObject({
      id: jonas.user_id,
      organizations: [{ id: 'org-1', name: 'Fjord Labs', roles: ['Admin', 'Member'], permissions: ['reports:read'] }],
    });
    expect([await status(key, '/orgs/org-1'), await status(key, '/orgs/org-2')]).toEqual([200, 403]);
    server.keys.set(other, propelAnswers.ofOrganization);
    expect((await app.call('/caller', { token: other })).json).toMatchObject({
      id: 'org-1',
      email: null,
      organizations: [{ id: 'org-1', name: 'Fjord Labs', slug: 'fjord-labs', roles: [], permissions: [] }],
    });
  });

  it('refuses unknown keys, those that belong to nobody, and those of blocked users', async () => {
    const { app, server, status } = await start('generic');
    for (const token of [key, other]) {
      expect(verdictOf(await app.call('/caller', { token }))).toMatchObject({ status: 401, reason: 'key' });
    }
    const body = { user: { ...jonas, locked: true } };
    server.keys.set('blocked', { ...propelAnswers.personal, body });
    expect(verdictOf(await app.call('/caller', { token: 'blocked' }))).toMatchObject({
      status: 401,
      reason: 'revoked',
    });
    // JWTs, refresh tokens and empty values are not sent to it.
    const { length } = server.calls;
    for (const token of ['a.b.c', 'grt_abc', 'undefined']) expect(await status(token)).toBe(401);
    expect(server.calls).toHaveLength(length);
  });

  it('answers 429 with Retry-After when the limit of a key is exceeded, without asking again before', async () => {
    const { app, clock, server, status } = await start('limited');
    server.keys.set(other, propelAnswers.personal);
    const answer = await app.call('/caller', { token: key });
    expect(verdictOf(answer)).toEqual({ status: 429, challenge: undefined, code: 'TOO_MANY_ATTEMPTS' });
    expect([answer.headers['retry-after'], answer.json]).toEqual([
      '18',
      expect.objectContaining({ message: 'The API key is used too often' }),
    ]);
    clock.advanceSeconds(10);
    expect((await app.call('/caller', { token: key })).headers['retry-after']).toBe('8');
    const online = await app.call('/online', { token: key });
    expect([online.status, online.headers['retry-after'], server.calls]).toEqual([429, '8', [validate]]);
    expect(await status(other)).toBe(200);
    clock.advanceSeconds(8);
    server.keys.set(key, propelAnswers.personal);
    expect([await status(key), await status(key, '/online')]).toEqual([200, 200]);
  });

  it('answers 503 for a limit of the app, a wrong key of the app and outages; known keys pass and are asked about', async () => {
    const { app, clock, server, status, log } = await start();
    expect(await status(key)).toBe(200);
    for (const fault of [
      propelAnswers.wrongKeyOfApp,
      { status: 400, headers: {}, body: 'Bad Request' },
      'reset',
    ] as const) {
      server.fault = fault;
      expect(verdictOf(await app.call('/caller', { token: other }))).toEqual(unavailable);
      expect(await status(key)).toBe(200);
    }
    server.fault = propelAnswers.limitedApp;
    const answer = await app.call('/caller', { token: other });
    expect([verdictOf(answer), answer.headers['retry-after']]).toEqual([unavailable, '9']);
    server.fault = null;
    // Unknown keys pause, and the known one is confirmed.
    expect([await status(other), await status(key, '/online')]).toEqual([503, 200]);
    clock.advanceSeconds(9);
    expect(await status(other)).toBe(401);
    const lines = log.lines.map(({ text }) => text).join('\n');
    expect(lines).toContain('it does not accept propelAuth({ apiKey })');
    expect(lines).not.toMatch(new RegExp(`backend-key|${key}|${other}`));
  });

  it.each([
    ['a page of a proxy', { 'content-type': 'text/html' }, '<h1>404 Not Found</h1>'],
    ['no body', {}, ''],
    ['JSON that is no object', { 'content-type': 'application/json' }, '"Not found"'],
  ])('answers 503 for a 404 that PropelAuth did not answer: %s', async (_, headers, body) => {
    const { app, server, log } = await start();
    server.fault = { status: 404, headers, body };
    expect(verdictOf(await app.call('/caller', { token: key }))).toEqual(unavailable);
    expect(log.lines.map(({ text }) => text).join('\n')).toContain('Check propelAuth({ apiUrl');
    server.fault = { status: 404, headers: { 'content-type': 'application/json' }, body: {} };
    expect(verdictOf(await app.call('/caller', { token: key }))).toMatchObject({ status: 401, reason: 'key' });
  });

  it('is told apart from keys of the app and of Stack Auth, and from tokens', async () => {
    const [server, stack] = [await startPropelKeyServer(), await startStackKeyServer()];
    const { projectId, url: baseUrl } = stack;
    const issuers = [
      propel(server.url),
      stackAuth({ projectId, baseUrl, secretServerKey: 'ssk_sample_1', apiKeys: true }),
      apiKeys(),
    ];
    const findSubject = (id: string): object => ({ id });
    const imports = [ApiKeysModule.forRoot({ prefix: 'acme', findSubject: findSubject as never }), memoryStores()];
    const { app, clock, status } = await startProviderKeyApp(platform, issuers, {}, imports);
    const [ofStack, own] = [stackKey(), await app.nest.get(ApiKeyService).create({ userId: 'alice' })];
    stack.keys.set(ofStack, stackConfirms(clock.now()));
    server.keys.set(key, propelAnswers.personal);
    expect([await status(key), await status(ofStack), await status(own.text)]).toEqual([200, 200, 200]);
    expect([await status('acme_x'), await status('sk_'), await status('a.b.c')]).toEqual([401, 401, 401]);
    expect([server.calls.length, stack.calls.length]).toEqual([1, 2]);
  });
});

describe.each(streamPlatforms)('an open response to an API key of PropelAuth on $name', (platform) => {
  async function open(path: string): Promise<{ server: KeyServer; stand: StreamsStand; response: OpenResponse }> {
    const server = await startPropelKeyServer();
    server.keys.set(key, propelAnswers.personal);
    const stand = await StreamsStand.start(platform, {
      describeIssuer: () => propel(server.url),
      controllers: [OnlineController],
    });
    const response = await stand.open(path, key);
    await response.untilContains('tick');
    expect(stand.watched).toBe(1);
    return { server, stand, response };
  }

  it.each(['events', 'online'])(
    'goes on while the limit of the key is exceeded, and ends with the key: %s',
    async (path) => {
      const { server, stand, response } = await open(path);
      server.keys.set(key, propelAnswers.limited);
      for (const calls of [2, 3]) {
        await stand.pass(60);
        await vi.waitUntil(() => server.calls.length === calls);
        // Another call to PropelAuth takes no less time than the one about the key.
        expect((await stand.open('short', other)).status).toBe(401);
        server.calls.length = calls;
        expect([stand.watched, response.text()]).toEqual([1, expect.not.stringContaining('error')]);
      }
      server.keys.delete(key);
      await stand.pass(60);
      expect(await response.end).toBe('complete');
      expect(response.text()).toContain('"reason":"key"');
      response.leave();
    },
  );

  it('ends with a refused key of a network that has tried too many', async () => {
    const { server, stand, response } = await open('events');
    server.keys.delete(key);
    const invented = Array.from({ length: 31 }, (_, at) => stand.open('short', `invented-${at}`));
    expect((await Promise.all(invented)).filter(({ status }) => status === 429)).toHaveLength(1);
    await stand.pass(60);
    expect(await response.end).toBe('complete');
    expect(response.text()).toContain('TOO_MANY_ATTEMPTS');
    response.leave();
  });
});

describe('options of API keys of providers', () => {
  const [platform] = platforms;
  const claimMap = { provider: 'oidc', map: mapStandardClaims } as const;
  const keysOfStack = { projectId: 'a-project', secretServerKey: 'ssk', apiKeys: true };
  const opaque = { clientId: 'api', clientSecret: 'secret', endpoint: 'https://id.example/introspect' };
  const startOf = async (issuers: AuthModuleOptions['issuers'], imports: never[] = []): Promise<unknown> => {
    if (platform === undefined) throw new Error('There is no platform');
    return startProviderKeyApp(platform, issuers, { tokenFrom: fromBearer() }, imports);
  };

  it.each<[string, () => unknown, RegExp]>([
    [
      'Stack without the key of the app',
      () => stackAuth({ projectId: 'p', apiKeys: true }),
      /secretServerKey.*apiKeys: true requires it/,
    ],
    ['no switch', () => stackAuth({ projectId: 'p', apiKeys: 'yes' as never }), /stackAuth\(\{ apiKeys \}\)/],
    ['no switch of PropelAuth', () => propel('https://api.example', { apiKeys: 1 }), /propelAuth\(\{ apiKeys \}\)/],
    [
      'no capability',
      () => defineProvider({ name: 'x', issuers: [], claimMap, apiKeys: {} as never }),
      /defineProvider\(\{ apiKeys \}\)/,
    ],
  ])('are refused: %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('stop the app where it would not be known whose key a text is', async () => {
    const two = [stackAuth(keysOfStack), stackAuth({ ...keysOfStack, projectId: 'another' })];
    await expect(startOf(two)).rejects.toThrow(/two schemes named "stackAuth API keys"/);
    const own = ApiKeysModule.forRoot({ prefix: 'sk_live', findSubject: () => null });
    await expect(startOf([stackAuth(keysOfStack), apiKeys()], [own, memoryStores()] as never[])).rejects.toThrow(
      /begin with sk_/,
    );
    const introspecting = oidc({ issuer: 'https://id.example', audience: 'api', introspection: opaque });
    await expect(startOf([propel('https://api.example'), introspecting])).rejects.toThrow(/opaque tokens/);
  });
});
