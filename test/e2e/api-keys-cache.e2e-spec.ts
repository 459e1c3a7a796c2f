/** For how long an app knows its API keys: revocation here and in other processes, outages, rotation, and no write on the way. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiKeyStore } from 'nest-gatehouse/api-keys';
import { memoryStores } from 'nest-gatehouse/testing';
import type { AuthEvent } from 'nest-gatehouse';
import { platforms } from '../support/app.js';
import { basic, bearer, type KeyStoreApp, startKeyStoreApp } from '../support/key-store-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { Users } from '../support/session-app.js';
import { unavailable, verdictOf } from '../support/verdicts.js';
import { WatchedStore } from '../support/watched-key-store.js';

const [platform] = platforms;

describe('a key that was verified', () => {
  let clock: ManualClock;
  let store: WatchedStore;
  let stand: KeyStoreApp;
  const events: AuthEvent[] = [];
  const users = new Users({ id: 'alice', roles: ['keeper'] });
  const statusOf = async (text: string, app = stand.app): Promise<number> =>
    (await app.call('/caller', bearer(text))).status;
  const start = (keys = {}, stores = memoryStores({ clock })): Promise<KeyStoreApp> => {
    const replaced = {
      ...stores,
      providers: stores.providers?.map((provider) =>
        typeof provider === 'object' && 'provide' in provider && provider.provide === ApiKeyStore
          ? { provide: ApiKeyStore, useValue: store }
          : provider,
      ),
    };
    if (platform === undefined) throw new Error('There is no platform');
    const auth = { onEvent: (event: AuthEvent) => events.push(event), revocation: { refreshSeconds: 0.1 } };
    return startKeyStoreApp(platform, { clock, users, keys, auth, stores: [{ ...replaced } as never] });
  };

  beforeEach(async () => {
    clock = new ManualClock();
    store = new WatchedStore();
    users.fault = null;
    users.all.set('alice', { id: 'alice', roles: ['keeper'] });
    users.lookUps = 0;
    events.length = 0;
    stand = await start();
  });

  afterEach(async () => {
    await stand.app.nest.close();
  });

  it('is not read again within the time of the cache, and is looked up once by 50 requests at once', async () => {
    const { text } = await stand.service.create({ userId: 'alice' });
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => statusOf(text))))).toEqual(new Set([200]));
    expect([store.finds, users.lookUps]).toEqual([1, 1]);
    clock.advanceSeconds(9);
    expect(await statusOf(text)).toBe(200);
    expect([store.finds, users.lookUps]).toEqual([1, 1]);
  });

  it('is read in the background after a third of that time, so that it is known at the beginning of an outage', async () => {
    const { text } = await stand.service.create({ userId: 'alice' });
    await statusOf(text);
    clock.advanceSeconds(10);
    expect(await statusOf(text)).toBe(200);
    await expect.poll(() => [store.finds, users.lookUps]).toEqual([2, 2]);
    store.isDown = true;
    clock.advanceSeconds(29);
    expect(await statusOf(text)).toBe(200);
  });

  it('works for the time of the cache while the store is down; others get 503', async () => {
    const [known, other] = [
      await stand.service.create({ userId: 'alice' }),
      await stand.service.create({ userId: 'alice' }),
    ];
    expect(await statusOf(known.text)).toBe(200);
    store.isDown = true;
    clock.advanceSeconds(29);
    expect(await statusOf(known.text)).toBe(200);
    const answer = await stand.app.call('/caller', bearer(other.text));
    expect(verdictOf(answer)).toEqual(unavailable);
    expect(answer.text).not.toContain('password');
    clock.advanceSeconds(1);
    expect(await statusOf(known.text)).toBe(503);
    store.isDown = false;
    expect([await statusOf(known.text), await statusOf(other.text)]).toEqual([200, 200]);
  });

  it('gets 503 where the user cannot be looked up, and is not refused', async () => {
    const { text } = await stand.service.create({ userId: 'alice' });
    users.fault = new Error('the database of users is down');
    expect(await statusOf(text)).toBe(503);
    users.fault = null;
    expect(await statusOf(text)).toBe(200);
  });

  it('ends at once in the process that revokes, disables or changes it', async () => {
    const { service } = stand;
    const [one, two, three] = [
      await service.create({ userId: 'alice' }),
      await service.create({ userId: 'alice' }),
      await service.create({ userId: 'alice', scopes: ['a'] }),
    ];
    for (const { text } of [one, two, three]) expect(await statusOf(text)).toBe(200);
    await service.revoke(one.id);
    expect(await statusOf(one.text)).toBe(401);
    await service.update(two.id, { enabled: false });
    expect(await statusOf(two.text)).toBe(401);
    await service.update(two.id, { enabled: true });
    expect(await statusOf(two.text)).toBe(200);
    await service.update(three.id, { scopes: ['cats:write'] });
    expect((await stand.app.call('/adopt', bearer(three.text))).status).toBe(200);
    expect(await service.revokeAll('alice')).toBe(2);
    for (const { text } of [one, two, three]) expect(await statusOf(text)).toBe(401);
  });

  it('ends although a reading that began before the revocation ends after it', async () => {
    const { id, text } = await stand.service.create({ userId: 'alice' });
    let open = (): void => undefined;
    store.gate = new Promise((resolve) => (open = resolve));
    const early = statusOf(text);
    await expect.poll(() => store.finds).toBe(1);
    const revoked = stand.service.revoke(id);
    await revoked;
    const late = statusOf(text);
    await expect.poll(() => store.finds).toBe(2);
    open();
    await early;
    expect(await late).toBe(401);
    expect(await statusOf(text)).toBe(401);
  });

  it('ends for a user who is gone within the time of the cache, and has the roles that the user has by then', async () => {
    const { text } = await stand.service.create({ userId: 'alice', roles: ['keeper'] });
    expect((await stand.app.call('/groom', bearer(text))).status).toBe(200);
    users.all.set('alice', { id: 'alice', roles: [] });
    clock.advanceSeconds(30);
    expect((await stand.app.call('/groom', bearer(text))).status).toBe(403);
    users.all.delete('alice');
    clock.advanceSeconds(30);
    expect(await statusOf(text)).toBe(401);
  });

  it('ends in other processes within the seconds of the revocation, and a new secret works there at once', async () => {
    const shared = memoryStores({ clock });
    const [here, there] = [await start({}, shared), await start({}, shared)];
    const key = await here.service.create({ userId: 'alice' });
    expect(await statusOf(key.text, there.app)).toBe(200);
    const rotated = await here.service.rotate(key.id);
    expect(await statusOf(rotated.text, there.app)).toBe(200);
    clock.advanceSeconds(2);
    await here.service.revoke(key.id);
    await expect.poll(() => statusOf(rotated.text, there.app)).toBe(401);
    await Promise.all([here.app.nest.close(), there.app.nest.close()]);
  });

  it('keeps its id when it is rotated; the old secret works for the grace, and its use is an event', async () => {
    const { service } = stand;
    const first = await service.create({ userId: 'alice', name: 'ci', scopes: ['a'] });
    expect(await statusOf(first.text)).toBe(200);
    const second = await service.rotate(first.id, { graceSeconds: 60 });
    expect(second).toMatchObject({ id: first.id, key: { ...first.key } });
    expect(second.secret).not.toBe(first.secret);
    const oldAnswer = (await stand.app.call('/caller', bearer(first.text))).json as { expiresAt: string };
    expect(Date.parse(oldAnswer.expiresAt)).toBe(clock.now().getTime() + 60_000);
    expect(await statusOf(second.text)).toBe(200);
    for (let use = 0; use < 5; use += 1) await statusOf(first.text);
    expect(events.filter(({ type }) => type === 'replaced-api-key-used')).toMatchObject([
      { keyId: first.id, userId: 'alice' },
    ]);
    clock.advanceSeconds(60);
    expect(await statusOf(first.text)).toBe(401);
    expect(await statusOf(second.text)).toBe(200);
    const third = await service.rotate(first.id, { graceSeconds: 0 });
    expect([await statusOf(second.text), await statusOf(third.text)]).toEqual([401, 200]);
  });

  it('is kept for a day by default, and two rotations end the secret before the last', async () => {
    const first = await stand.service.create({ userId: 'alice' });
    const second = await stand.service.rotate(first.id);
    clock.advanceSeconds(86_399);
    expect(await statusOf(first.text)).toBe(200);
    clock.advanceSeconds(1);
    expect(await statusOf(first.text)).toBe(401);
    await stand.service.rotate(first.id);
    await stand.service.rotate(first.id);
    expect(await statusOf(second.text)).toBe(401);
  });

  it('causes no write, and the time of its last use is stored when the app stops', async () => {
    const { id, secret, text } = await stand.service.create({ userId: 'alice' });
    for (let use = 0; use < 20; use += 1)
      await stand.app.call('/caller', use % 2 === 0 ? bearer(text) : basic(id, secret));
    expect(store.writes).toEqual([]);
    const usedAt = clock.now();
    clock.advanceSeconds(5);
    await stand.app.nest.close();
    expect(store.writes).toEqual(['uses']);
    expect((await store.find(id))?.lastUsedAt).toEqual(usedAt);
  });

  it('is read at each use with cacheSeconds: 0', async () => {
    const other = await start({ cacheSeconds: 0 });
    const { text } = await other.service.create({ userId: 'alice' });
    for (let use = 1; use <= 3; use += 1) {
      expect(await statusOf(text, other.app)).toBe(200);
    }
    expect(store.finds).toBeGreaterThanOrEqual(3);
    store.isDown = true;
    expect(await statusOf(text, other.app)).toBe(503);
    await other.app.nest.close();
  });
});
