import assert from 'node:assert/strict';

import type { ApiKeyStore, StoredApiKey } from '../api-keys/api-key-store.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedApiKeyStore {
  readonly store: ApiKeyStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

const createdAt = new Date('2030-01-01T00:00:00.123Z');
const later = (seconds: number): Date => new Date(createdAt.getTime() + seconds * 1_000);
const hashOf = (seed: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, at) => (at * 7 + seed) % 256);
const idOf = (number: number): string => `acme_${String(number).padStart(22, 'A')}`;

function keyOf(number: number, parts: Partial<StoredApiKey> = {}): StoredApiKey {
  return {
    id: idOf(number),
    userId: 'user',
    name: null,
    scopes: [],
    roles: [],
    enabled: true,
    createdAt: later(number),
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    hash: hashOf(number),
    hashVersion: 1,
    previous: null,
    ...parts,
  };
}

/** In a form that can be compared: bytes of any class as text. */
function plain(key: StoredApiKey | null): unknown {
  if (key === null) return null;
  const dates = [key.createdAt, key.expiresAt, key.revokedAt, key.lastUsedAt, key.previous?.validUntil ?? null];
  assert.ok(
    dates.every((date) => date === null || date instanceof Date),
    'times are given as Date',
  );
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return {
    ...key,
    hash: hex(key.hash),
    previous: key.previous && { hash: hex(key.previous.hash), validUntil: key.previous.validUntil },
  };
}

async function assertStored(store: ApiKeyStore, expected: StoredApiKey): Promise<void> {
  assert.deepEqual(plain(await store.find(expected.id)), plain(expected));
}

const strange = `it's "ä" \\ 🔑\n%_`;

const contract: Readonly<Record<string, (opened: OpenedApiKeyStore) => Promise<void>>> = {
  'gives a key back as it was created, with all that it can have': async ({ store }) => {
    const full = keyOf(1, {
      userId: strange,
      name: strange,
      scopes: ['cats:read', strange],
      roles: [strange],
      enabled: false,
      expiresAt: later(9.001),
      revokedAt: later(8),
      lastUsedAt: later(7),
      previous: { hash: hashOf(200), validUntil: later(6) },
    });
    for (const key of [full, keyOf(2)]) {
      await store.create(key);
      await assertStored(store, key);
    }
  },
  'refuses a second key with one id, and keeps the first': async ({ store }) => {
    await store.create(keyOf(1));
    await assert.rejects(store.create(keyOf(1, { userId: 'thief' })));
    await assertStored(store, keyOf(1));
  },
  'finds nothing under any other text': async ({ store }) => {
    await store.create(keyOf(1));
    for (const id of ['', 'none', `${idOf(1)} `, idOf(1).toLowerCase(), '%', 'a\0b', '\ud800', 'x'.repeat(5_000)]) {
      assert.equal(await store.find(id), null);
      assert.equal(await store.update(id, { name: 'x' }), null);
      assert.equal(await store.rotate(id, { hash: hashOf(9), hashVersion: 1 }, null), null);
      assert.equal(await store.revoke(id, later(1)), false);
    }
    await assertStored(store, keyOf(1));
    for (const userId of ['', 'USER', 'a\0b', '\ud800']) {
      assert.deepEqual(await store.list(userId, { after: null, limit: 10 }), []);
      assert.deepEqual(await store.revokeAll(userId, later(1)), []);
    }
  },
  "lists a user's keys, newest first, in parts": async ({ store }) => {
    const keys = [1, 2, 3, 4, 5].map((number) => keyOf(number, { createdAt: number < 4 ? createdAt : later(number) }));
    for (const key of [keys[2], keys[0], keys[4], keys[1], keys[3]]) await store.create(key ?? keyOf(0));
    await store.create(keyOf(6, { userId: 'other' }));
    await store.revoke(idOf(5), later(50));
    const listed: string[] = [];
    for (let after: StoredApiKey | null = null; ; ) {
      const part: readonly StoredApiKey[] = await store.list('user', { after, limit: 2 });
      listed.push(...part.map(({ id }) => id));
      after = part.at(-1) ?? null;
      if (after === null) break;
    }
    assert.deepEqual(listed, [5, 4, 3, 2, 1].map(idOf));
  },
  'changes only what is given, and only of a key that was not revoked': async ({ store }) => {
    const key = keyOf(1, { name: 'old', scopes: ['a'], roles: ['r'] });
    await store.create(key);
    await store.create(keyOf(2));
    assert.deepEqual(plain(await store.update(idOf(1), {})), plain(key));
    assert.deepEqual(plain(await store.update(idOf(1), { scopes: ['b', 'c'] })), plain({ ...key, scopes: ['b', 'c'] }));
    assert.deepEqual((await store.update(idOf(1), { name: null, roles: [], enabled: false }))?.name, null);
    await assertStored(store, { ...key, scopes: ['b', 'c'], name: null, roles: [], enabled: false });
    await assertStored(store, keyOf(2));
    await store.revoke(idOf(1), later(2));
    assert.equal(await store.update(idOf(1), { enabled: true }), null);
    assert.equal((await store.find(idOf(1)))?.enabled, false);
  },
  'keeps the secret before a rotation where it is still accepted, and no earlier one': async ({ store }) => {
    await store.create(keyOf(1));
    const secret = (seed: number) => ({ hash: hashOf(seed), hashVersion: 2 });
    const once = keyOf(1, { ...secret(11), previous: { hash: hashOf(1), validUntil: later(60) } });
    assert.deepEqual(plain(await store.rotate(idOf(1), secret(11), later(60))), plain(once));
    const twice = keyOf(1, { ...secret(12), previous: { hash: hashOf(11), validUntil: later(90) } });
    assert.deepEqual(plain(await store.rotate(idOf(1), secret(12), later(90))), plain(twice));
    await assertStored(store, twice);
    await store.rotate(idOf(1), secret(13), null);
    await assertStored(store, keyOf(1, secret(13)));
    await store.revoke(idOf(1), later(2));
    assert.equal(await store.rotate(idOf(1), secret(14), null), null);
  },
  'revokes once, and keeps the time of the first': async ({ store }) => {
    for (const number of [1, 2, 3]) await store.create(keyOf(number));
    await store.create(keyOf(4, { userId: 'other' }));
    const calls = Array.from({ length: 10 }, () => store.revoke(idOf(1), later(1)));
    assert.equal((await Promise.all(calls)).filter((did) => did).length, 1);
    assert.equal(await store.revoke(idOf(1), later(2)), false);
    await assertStored(store, keyOf(1, { revokedAt: later(1) }));
    assert.deepEqual([...(await store.revokeAll('user', later(3)))].sort(), [idOf(2), idOf(3)]);
    assert.deepEqual(await store.revokeAll('user', later(4)), []);
    await assertStored(store, keyOf(2, { revokedAt: later(3) }));
    await assertStored(store, keyOf(4, { userId: 'other' }));
  },
  'deletes the revoked keys of a user': async ({ store }) => {
    for (const number of [1, 2, 3]) await store.create(keyOf(number));
    await store.create(keyOf(4, { userId: 'other' }));
    for (const number of [1, 3, 4]) await store.revoke(idOf(number), later(1));
    for (const userId of ['', 'a\0b', '\ud800', 'user']) await store.deleteRevoked(userId);
    for (const number of [1, 3]) assert.equal(await store.find(idOf(number)), null);
    await assertStored(store, keyOf(2));
    await assertStored(store, keyOf(4, { userId: 'other', revokedAt: later(1) }));
  },
  'notes uses, and keeps the latest': async ({ store }) => {
    for (const number of [1, 2]) await store.create(keyOf(number));
    await store.noteUses([]);
    await store.noteUses([
      { id: idOf(1), at: later(5.007) },
      { id: 'none', at: later(5) },
    ]);
    await store.noteUses([
      { id: idOf(1), at: later(4) },
      { id: idOf(2), at: later(6) },
    ]);
    await assertStored(store, keyOf(1, { lastUsedAt: later(5.007) }));
    await assertStored(store, keyOf(2, { lastUsedAt: later(6) }));
    const many = Array.from({ length: 1_000 }, (_, at) => ({ id: idOf((at % 2) + 1), at: later(100 + at) }));
    await Promise.all([many, many.toReversed(), many].map((uses) => store.noteUses(uses)));
    assert.deepEqual((await store.find(idOf(2)))?.lastUsedAt, later(1_099));
  },
  'keeps nothing that the caller goes on to change': async ({ store }) => {
    const [hash, scopes] = [hashOf(1), ['a']];
    await store.create(keyOf(1, { hash, scopes }));
    hash.fill(0);
    scopes.push('admin');
    await assertStored(store, keyOf(1, { scopes: ['a'] }));
  },
};

/**
 * Tests an `ApiKeyStore` of your own against everything that `ApiKeysModule` relies on. Call it in a test file, with Vitest's
 * `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeApiKeyStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeApiKeyStore(
  name: string,
  open: () => OpenedApiKeyStore | Promise<OpenedApiKeyStore>,
  runner: TestRunner = globalTestRunner('describeApiKeyStore'),
): void {
  defineTests<OpenedApiKeyStore>(`the ApiKeyStore ${name}`, open, contract, runner);
}
