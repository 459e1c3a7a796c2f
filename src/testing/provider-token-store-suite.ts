import assert from 'node:assert/strict';

import type { ProviderTokenStore } from '../login/provider-token-store.js';
import { strange } from './account-store-suite.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedProviderTokenStore {
  readonly store: ProviderTokenStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

const startMs = Date.parse('2030-01-01T00:00:00.123Z');
const at = (seconds: number): Date => new Date(startMs + seconds * 1_000);
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What is stored for a user and a provider, in a form that can be compared. */
async function read(store: ProviderTokenStore, userId = 'anna', provider = 'corp'): Promise<string | null> {
  const entry = await store.find(userId, provider);
  if (entry === null) return null;
  assert.deepEqual([entry.userId, entry.provider], [userId, provider]);
  assert.ok(Number.isSafeInteger(entry.version), 'a version is a whole number');
  assert.ok(entry.updatedAt instanceof Date, 'times are given as Date');
  return `${Buffer.from(entry.sealed).toString()} at ${(entry.updatedAt.getTime() - startMs) / 1_000}`;
}

async function versionOf(store: ProviderTokenStore, userId = 'anna', provider = 'corp'): Promise<number> {
  const entry = await store.find(userId, provider);
  assert.ok(entry !== null, 'the entry is there');
  return entry.version;
}

/** Saves an entry of anna at corp. @returns its version */
async function save(store: ProviderTokenStore, text = 'first', seconds = 0): Promise<number> {
  await store.save('anna', 'corp', bytes(text), at(seconds));
  return versionOf(store);
}

/** Claims it, for so many seconds. */
const claim = (store: ProviderTokenStore, version: number, seconds = 0, lasting = 10): Promise<boolean> =>
  store.claim('anna', 'corp', version, at(seconds), at(seconds + lasting));

/** Calls a function so many times at once. @returns how often the result was `true` */
async function countTrue(times: number, call: (index: number) => Promise<boolean>): Promise<number> {
  const results = await Promise.all(Array.from({ length: times }, (_, index) => call(index)));
  return results.filter((result) => result).length;
}

type StoreTest = (opened: OpenedProviderTokenStore) => Promise<void>;

const keeping: Readonly<Record<string, StoreTest>> = {
  'gives an entry back as it was saved': async ({ store }) => {
    const sealed = Uint8Array.from({ length: 20_000 }, (_, index) => index % 256);
    await store.save(strange, strange, sealed, at(1.007));
    const entry = await store.find(strange, strange);
    assert.deepEqual([entry?.userId, entry?.provider, entry?.updatedAt], [strange, strange, at(1.007)]);
    assert.ok(Buffer.from(entry?.sealed ?? []).equals(sealed));
  },
  'has one entry for each user and provider': async ({ store }) => {
    await save(store);
    await store.save('anna', 'other', bytes('second'), at(1));
    await store.save('ben', 'corp', bytes('third'), at(2));
    await store.save('anna', 'corp', bytes('fourth'), at(3));
    assert.equal(await read(store), 'fourth at 3');
    assert.equal(await read(store, 'anna', 'other'), 'second at 1');
    assert.equal(await read(store, 'ben'), 'third at 2');
  },
  'finds and changes nothing under another user, provider or version': async ({ store }) => {
    const version = await save(store);
    for (const text of ['', 'ANNA', 'anna ', 'corp', '%', 'a\0b', '\ud800', strange, 'x'.repeat(5_000)]) {
      for (const [userId, provider] of [
        [text, 'corp'],
        ['anna', text === 'corp' ? 'Corp' : text],
      ] as const) {
        assert.equal(await store.find(userId, provider), null);
        assert.equal(await store.claim(userId, provider, version, at(0), at(10)), false);
        assert.equal(await store.replace(userId, provider, version, bytes('x'), at(1)), false);
        assert.equal(await store.discard(userId, provider, version), false);
        await store.release(userId, provider, version);
        await store.remove(userId, provider);
      }
      await store.remove(text, null);
    }
    for (const other of [version - 1, version + 1]) {
      assert.equal(await claim(store, other), false);
      assert.equal(await store.replace('anna', 'corp', other, bytes('x'), at(1)), false);
      assert.equal(await store.discard('anna', 'corp', other), false);
    }
    assert.deepEqual([await read(store), await versionOf(store)], ['first at 0', version]);
  },
  'keeps nothing that the caller goes on to change': async ({ store }) => {
    const [sealed, updatedAt] = [Uint8Array.from(bytes('first')), at(0)];
    await store.save('anna', 'corp', sealed, updatedAt);
    sealed.fill(0);
    updatedAt.setTime(0);
    const found = await store.find('anna', 'corp');
    found?.sealed.fill(0);
    assert.equal(await read(store), 'first at 0');
  },
  'has one entry after 50 saves at once': async ({ store }) => {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => store.save('anna', 'corp', bytes(`${index}`), at(index))),
    );
    const [text = '', seconds] = (await read(store))?.split(' at ') ?? [];
    assert.equal(text, seconds);
    await store.remove('anna', 'corp');
    assert.equal(await read(store), null);
  },
};

const claiming: Readonly<Record<string, StoreTest>> = {
  'gives a claim to one of 100 that ask at once': async ({ store }) => {
    const version = await save(store);
    assert.equal(await countTrue(100, () => claim(store, version)), 1);
    assert.deepEqual([await read(store), await versionOf(store)], ['first at 0', version], 'a claim changes nothing');
  },
  'gives the next claim when the time of the last one has passed': async ({ store }) => {
    const version = await save(store);
    assert.equal(await claim(store, version, 0, 10), true);
    assert.equal(await claim(store, version, 9.999), false);
    assert.equal(await countTrue(20, () => claim(store, version, 10)), 1);
    assert.equal(await claim(store, version, 19), false);
  },
  'gives it at once when the last one was released': async ({ store }) => {
    const version = await save(store);
    assert.equal(await claim(store, version), true);
    await store.release('anna', 'corp', version - 1);
    assert.equal(await claim(store, version), false);
    await store.release('anna', 'corp', version);
    await store.release('anna', 'corp', version);
    assert.deepEqual([await read(store), await versionOf(store)], ['first at 0', version]);
    assert.equal(await claim(store, version), true);
  },
  'claims each entry for itself': async ({ store }) => {
    const version = await save(store);
    await store.save('anna', 'other', bytes('second'), at(0));
    assert.equal(await claim(store, version), true);
    assert.equal(await store.claim('anna', 'other', await versionOf(store, 'anna', 'other'), at(0), at(10)), true);
  },
  'replaces the version that is there, for one of 50 at once, and ends the claim': async ({ store }) => {
    const version = await save(store);
    assert.equal(await claim(store, version), true);
    const count = await countTrue(50, (index) =>
      store.replace('anna', 'corp', version, bytes(`${index}`), at(1 + index)),
    );
    assert.equal(count, 1);
    const next = await versionOf(store);
    assert.ok(next > version, 'the version increases');
    const [text, seconds] = (await read(store))?.split(' at ') ?? [];
    assert.equal(Number(seconds), 1 + Number(text));
    assert.equal(await claim(store, version), false);
    assert.equal(await claim(store, next), true);
  },
  'ends a claim by saving, and increases the version': async ({ store }) => {
    const version = await save(store);
    assert.equal(await claim(store, version), true);
    const next = await save(store, 'second', 1);
    assert.ok(next > version, 'the version increases');
    assert.equal(await store.replace('anna', 'corp', version, bytes('late'), at(2)), false);
    assert.equal(await store.discard('anna', 'corp', version), false);
    await store.release('anna', 'corp', version);
    assert.equal(await read(store), 'second at 1');
    assert.equal(await claim(store, next), true);
  },
};

const removing: Readonly<Record<string, StoreTest>> = {
  'removes the entry of one provider': async ({ store }) => {
    await save(store);
    await store.save('anna', 'other', bytes('second'), at(0));
    await store.save('ben', 'corp', bytes('third'), at(0));
    await store.remove('anna', 'corp');
    await store.remove('anna', 'corp');
    assert.equal(await read(store), null);
    assert.equal(await read(store, 'anna', 'other'), 'second at 0');
    assert.equal(await read(store, 'ben'), 'third at 0');
  },
  'removes all entries of a user': async ({ store }) => {
    await store.save(strange, 'corp', bytes('first'), at(0));
    await store.save(strange, strange, bytes('second'), at(0));
    await save(store, 'third');
    await store.remove(strange, null);
    assert.equal(await read(store, strange), null);
    assert.equal(await read(store, strange, strange), null);
    assert.equal(await read(store), 'third at 0');
  },
  'discards the version that is there, for one of 20 at once': async ({ store }) => {
    const version = await save(store);
    await store.save('anna', 'other', bytes('second'), at(0));
    assert.equal(await countTrue(20, () => store.discard('anna', 'corp', version)), 1);
    assert.equal(await read(store), null);
    assert.equal(await read(store, 'anna', 'other'), 'second at 0');
  },
  'gives an entry that is added again a version that none had before': async ({ store }) => {
    const version = await save(store);
    await store.remove('anna', 'corp');
    const second = await save(store, 'second', 1);
    await store.discard('anna', 'corp', second);
    const third = await save(store, 'third', 2);
    assert.equal(new Set([version, second, third]).size, 3);
    for (const gone of [version, second]) {
      assert.equal(await store.replace('anna', 'corp', gone, bytes('late'), at(3)), false);
      assert.equal(await claim(store, gone), false);
    }
    assert.equal(await read(store), 'third at 2');
  },
};

/**
 * Tests a `ProviderTokenStore` of your own against everything that kept tokens rely on. Call it in a test file, with Vitest's
 * `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeProviderTokenStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeProviderTokenStore(
  name: string,
  open: () => OpenedProviderTokenStore | Promise<OpenedProviderTokenStore>,
  runner: TestRunner = globalTestRunner('describeProviderTokenStore'),
): void {
  const contract = { ...keeping, ...claiming, ...removing };
  defineTests<OpenedProviderTokenStore>(`the ProviderTokenStore ${name}`, open, contract, runner);
}
