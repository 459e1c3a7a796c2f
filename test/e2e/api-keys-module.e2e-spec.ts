/** Registering ApiKeysModule: with what it works, and which mistakes stop the app at its start. */
import { Controller, Get, Global, Injectable, Module, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, IssuerKeys, jwtIssuer } from 'nest-gatehouse';
import { apiKeys, ApiKeyService, ApiKeysModule, ApiKeyStore } from 'nest-gatehouse/api-keys';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { type AppParts, platforms, startApp } from '../support/app.js';
import { apiKeyHeader, basic, bearer } from '../support/key-store-app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

@UseGuards(AuthGuard)
@Controller()
class CallerController {
  @Get('caller')
  caller(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }
}

const findSubject = (id: string): { id: string } => ({ id });
const keysModule = ApiKeysModule.forRoot({ prefix: 'acme', findSubject });
const jwt = jwtIssuer({ issuer: 'https://issuer', audience: 'api', secret: 'x'.repeat(64), algorithms: ['HS256'] });
const sessions = SessionsModule.forRoot({ findSubject });
const publicUrl = 'https://api.example.com';

const [platform] = platforms;

async function start(...imports: NonNullable<AppParts['imports']>) {
  if (platform === undefined) throw new Error('There is no platform');
  const app = await startApp(platform, { imports, controllers: [CallerController] });
  return { app, service: app.nest.get(ApiKeyService) };
}

describe('ApiKeysModule', () => {
  it('works as the only issuer, without sessions and without publicUrl', async () => {
    const { app, service } = await start(AuthModule.forRoot({ issuers: apiKeys() }), keysModule, memoryStores());
    const { id, secret, text } = await service.create({ userId: 'alice' });
    expect((await app.call('/caller', bearer(text))).json).toMatchObject({ id: 'alice', issuer: 'api-keys' });
    expect((await app.call('/caller', basic(id, secret))).status).toBe(200);
    // The header is read only where tokenFrom has it.
    for (const call of [{}, apiKeyHeader(text)]) {
      expect(verdictOf(await app.call('/caller', call))).toEqual(missingToken);
    }
    expect((await app.call('/caller', bearer('a.b.c'))).status).toBe(401);
    expect((await app.call('/oauth/token')).status).toBe(404);
    await service.revoke(id);
    expect((await app.call('/caller', bearer(text))).status).toBe(401);
  });

  it('starts and stops where no issuer has keys to fetch', async () => {
    const auth = AuthModule.forRoot({ issuers: apiKeys(), warmUp: 'required' });
    const { app } = await start(auth, keysModule, memoryStores());
    await expect(app.nest.get(IssuerKeys).refresh()).resolves.toBeUndefined();
    await expect(app.nest.close()).resolves.toBeUndefined();
  });

  it('works beside another issuer, with publicUrl as the issuer of its users', async () => {
    const auth = AuthModule.forRoot({ issuers: [apiKeys(), jwt], publicUrl });
    const { app, service } = await start(memoryStores(), keysModule, auth);
    const { text } = await service.create({ userId: 'alice' });
    expect((await app.call('/caller', bearer(text))).json).toMatchObject({ id: 'alice', issuer: publicUrl });
  });

  it('takes its options from a factory, and its finder from a class that Nest creates', async () => {
    @Injectable()
    class Finder {
      findSubject(id: string): { id: string; name: string } {
        return { id, name: 'by class' };
      }
    }
    const keys = ApiKeysModule.forRootAsync({ useFactory: () => ({ prefix: 'zoo_test', findSubject: Finder }) });
    const { app, service } = await start(keys, memoryStores(), AuthModule.forRoot({ issuers: apiKeys() }));
    const { text } = await service.create({ userId: 'alice' });
    expect(text).toMatch(/^zoo_test_/);
    expect((await app.call('/caller', bearer(text))).json).toMatchObject({ name: 'by class' });
  });

  it('takes the store of the app', async () => {
    const created: string[] = [];
    const store = {
      find: () => Promise.resolve(null),
      create: ({ id }: { id: string }) => Promise.resolve(created.push(id)),
    };
    @Global()
    @Module({ providers: [{ provide: ApiKeyStore, useValue: store }], exports: [ApiKeyStore] })
    class OwnStoreModule {}
    const { app, service } = await start(keysModule, OwnStoreModule, AuthModule.forRoot({ issuers: apiKeys() }));
    const { id, text } = await service.create({ userId: 'alice' });
    expect(created).toEqual([id]);
    expect((await app.call('/caller', bearer(text))).status).toBe(401);
  });

  const auth = AuthModule.forRoot({ issuers: apiKeys() });
  const own = AuthModule.forRoot({ issuers: ownTokens(), publicUrl });
  const both = AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()], publicUrl });
  const withoutFinder = ApiKeysModule.forRoot({ prefix: 'acme' });
  const stores = memoryStores();
  it.each([
    ['apiKeys() without the module', [auth, stores], 'Add ApiKeysModule.forRoot('],
    ['the module without apiKeys()', [keysModule, sessions, own, stores], 'Add apiKeys() of nest-gatehouse/api-keys'],
    [
      'two of the module',
      [keysModule, ApiKeysModule.forRoot({ prefix: 'zoo', findSubject }), auth, stores],
      'registered 2 times',
    ],
    ['apiKeys() twice', [AuthModule.forRoot({ issuers: [apiKeys(), apiKeys()] }), keysModule, stores], 'listed twice'],
    ['the module without AuthModule', [keysModule, stores], 'does not see AuthModule'],
    ['no store', [keysModule, auth], 'no module of this app provides a ApiKeyStore'],
    [
      'nothing that knows the users',
      [withoutFinder, auth, stores],
      'ApiKeysModule.forRoot({ findSubject }): it is missing',
    ],
    [
      'a token endpoint without SessionsModule',
      [ApiKeysModule.forRoot({ prefix: 'acme', findSubject, tokenEndpoint: true }), auth, stores],
      'Add SessionsModule.forRoot(',
    ],
    ['own tokens without their module', [keysModule, both, stores], 'Add SessionsModule.forRoot('],
    [
      'wrong options of a factory',
      [ApiKeysModule.forRootAsync({ useFactory: () => ({}) as never }), auth, stores],
      'prefix',
    ],
  ])('stops the app: %s', async (_, imports, message) => {
    await expect(start(...imports)).rejects.toThrow(message);
  });

  it.each([
    [{}, 'ApiKeysModule.forRoot({ prefix }): it is missing'],
    [{ prefix: 'Acme' }, 'ApiKeysModule.forRoot({ prefix })'],
    [{ prefix: 'grt' }, 'ApiKeysModule.forRoot({ prefix })'],
    [{ prefix: 'acme', cache: 30 }, 'ApiKeysModule.forRoot({ cache })'],
    [{ prefix: 'acme', cacheSeconds: -1 }, 'ApiKeysModule.forRoot({ cacheSeconds })'],
    [{ prefix: 'acme', basic: 'yes' }, 'ApiKeysModule.forRoot({ basic })'],
    [{ prefix: 'acme', maxLifetimeSeconds: 0 }, 'ApiKeysModule.forRoot({ maxLifetimeSeconds })'],
    [{ prefix: 'acme', findSubject: 7 }, 'ApiKeysModule.forRoot({ findSubject })'],
  ])('refuses the options %j where they are written', (options, message) => {
    expect(() => ApiKeysModule.forRoot(options as never)).toThrow(message);
  });
});

describe('ApiKeyService', () => {
  const open = async (more = {}): Promise<ApiKeyService> => {
    const keys = ApiKeysModule.forRoot({ prefix: 'acme', findSubject, ...more });
    return (await start(keys, memoryStores(), AuthModule.forRoot({ issuers: apiKeys() }))).service;
  };

  it('lists in parts, finds, and shows no secret and no hash', async () => {
    const service = await open();
    const made = [];
    for (let at = 0; at < 5; at += 1) made.push(await service.create({ userId: 'alice', name: `key ${at}` }));
    await service.create({ userId: 'bob' });
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { items, nextCursor } = await service.list('alice', { limit: 2, ...(cursor !== '' && { cursor }) });
      ids.push(...items.map(({ id }) => id));
      cursor = nextCursor;
    }
    expect([...ids].sort()).toEqual(made.map(({ id }) => id).sort());
    const [first] = made;
    const found = await service.find(first?.id ?? '');
    expect(found).toEqual(first?.key);
    expect(Object.keys(found ?? {}).sort()).toEqual(
      'createdAt enabled expiresAt id lastUsedAt name revokedAt roles scopes userId'.split(' '),
    );
    expect(await service.find('acme_none')).toBeNull();
    expect(JSON.stringify(await service.list('alice'))).not.toContain(first?.secret);
    expect(await service.list('nobody')).toEqual({ items: [], nextCursor: null });
    for (const options of [{ limit: 0 }, { limit: 201 }, { limit: 1.5 }, { cursor: 'x' }, { cursor: '1.acme_x' }]) {
      await expect(service.list('alice', options)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('refuses wrong input with INVALID_INPUT, and keys that are not there with NOT_FOUND', async () => {
    const service = await open();
    const { id } = await service.create({ userId: 'alice' });
    const wrong = [
      { userId: '' },
      { userId: 7 },
      { userId: 'x'.repeat(256) },
      { userId: 'a\0b' },
      { userId: 'a', name: '' },
      { userId: 'a', scopes: ['a b'] },
      { userId: 'a', scopes: 'a' },
      { userId: 'a', scopes: ['"'] },
      { userId: 'a', roles: [7] },
      { userId: 'a', expiresAt: new Date(0) },
      { userId: 'a', expiresAt: '2030-01-01' },
      { userId: 'a', expiresAt: new Date(Number.NaN) },
    ];
    for (const given of wrong) {
      await expect(service.create(given as never), JSON.stringify(given)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
    await expect(service.update(id, { enabled: 'no' } as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(service.rotate(id, { graceSeconds: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await service.revoke(id);
    for (const gone of [id, 'acme_none', `acme_${'x'.repeat(22)}`, "it's"]) {
      await expect(service.update(gone, { name: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(service.rotate(gone)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await service.revoke(gone);
    }
    // A key cannot be given to another user.
    await expect(service.update(id, { userId: 'bob' } as never)).rejects.toMatchObject({ code: 'CONFIGURATION_ERROR' });
  });

  it('limits the lifetime of keys', async () => {
    const service = await open({ maxLifetimeSeconds: 3_600 });
    const { key } = await service.create({ userId: 'alice' });
    const inAnHour = Date.now() + 3_600_000;
    expect(Math.abs((key.expiresAt?.getTime() ?? 0) - inAnHour)).toBeLessThan(60_000);
    const expiresAt = new Date(inAnHour + 60_000);
    await expect(service.create({ userId: 'alice', expiresAt })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('parses without a look-up', async () => {
    const service = await open();
    const { id, secret, text } = await service.create({ userId: 'alice' });
    expect(service.parse(text)).toEqual({ id, secret });
    for (const other of ['', `${text}x`, 'acme_', text.slice(1), undefined, null, 7]) {
      expect(service.parse(other as never)).toBeNull();
    }
  });
});
