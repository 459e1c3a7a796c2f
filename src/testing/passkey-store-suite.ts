import assert from 'node:assert/strict';

import type { PasskeyStore, PasskeyUse, StoredPasskey } from '../accounts/passkey-store.js';
import { createdAt, idOf, later, strange } from './account-store-suite.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedPasskeyStore {
  readonly store: PasskeyStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

/** Of the longest length, in base64url. */
const longestId = 'Zk-_'.repeat(341);

function passkeyOf(credentialId: string, parts: Partial<StoredPasskey> = {}): StoredPasskey {
  return {
    credentialId,
    accountId: idOf(1),
    publicKey: Uint8Array.from({ length: 77 }, (_, at) => (at * 7) % 256),
    counter: 0,
    transports: [],
    deviceType: 'multiDevice',
    backedUp: false,
    aaguid: '00000000-0000-0000-0000-000000000000',
    name: 'Passkey',
    createdAt,
    lastUsedAt: null,
    ...parts,
  };
}

const useOf = (counter: number, parts: Partial<PasskeyUse> = {}): PasskeyUse => ({
  counter,
  backedUp: false,
  lastUsedAt: later(60),
  ...parts,
});

/** In a form that can be compared: bytes of any class as text. */
function plain(passkey: StoredPasskey | null): unknown {
  if (passkey === null) return null;
  assert.ok(
    [passkey.createdAt, passkey.lastUsedAt].every((date) => date === null || date instanceof Date),
    'times are given as Date',
  );
  return { ...passkey, publicKey: Buffer.from(passkey.publicKey).toString('hex') };
}

async function listIds(store: PasskeyStore, accountId: string): Promise<string[]> {
  return (await store.listOfAccount(accountId)).map(({ credentialId }) => credentialId);
}

/** Calls a function so many times at once. @returns how often the result was `true` */
async function countTrue(times: number, call: (at: number) => Promise<boolean>): Promise<number> {
  const results = await Promise.all(Array.from({ length: times }, (_, at) => call(at)));
  return results.filter((result) => result).length;
}

const contract: Readonly<Record<string, (opened: OpenedPasskeyStore) => Promise<void>>> = {
  'gives a passkey back as it was created': async ({ store }) => {
    const full = passkeyOf(longestId, {
      accountId: strange,
      publicKey: new Uint8Array(2_000).fill(255),
      counter: 2 ** 32 - 1,
      transports: ['hybrid', strange],
      deviceType: 'singleDevice',
      backedUp: true,
      aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4',
      name: strange,
      lastUsedAt: later(1.007),
    });
    for (const passkey of [full, passkeyOf('a'), passkeyOf('A', { backedUp: true })]) {
      assert.equal(await store.create(passkey), true);
      assert.deepEqual(plain(await store.find(passkey.credentialId)), plain(passkey));
    }
    assert.deepEqual((await store.listOfAccount(strange)).map(plain), [plain(full)]);
  },
  'finds nothing under another id or account': async ({ store }) => {
    await store.create(passkeyOf('Abc'));
    for (const text of ['', 'abc', 'Abc ', 'Abc=', '%', 'a\0b', '\ud800', strange]) {
      assert.equal(await store.find(text), null);
      assert.deepEqual(await store.listOfAccount(text), []);
      assert.equal(await store.noteUse(text, useOf(1), null), false);
      assert.equal(await store.remove(idOf(1), text), false);
      assert.equal(await store.remove(text, 'Abc'), false);
      await store.removeOfAccount(text);
    }
    assert.deepEqual(plain(await store.find('Abc')), plain(passkeyOf('Abc')));
  },
  'gives a credential id to the first account of 50 that ask at once': async ({ store }) => {
    const added: string[] = [];
    const count = await countTrue(50, async (at) => {
      const isAdded = await store.create(passkeyOf('a', { accountId: idOf(at), name: `name ${at}` }));
      if (isAdded) added.push(idOf(at));
      return isAdded;
    });
    assert.equal(count, 1);
    assert.equal(await store.create(passkeyOf('a', { accountId: idOf(99) })), false);
    assert.deepEqual([(await store.find('a'))?.accountId], added);
    assert.deepEqual(await store.listOfAccount(idOf(99)), []);
  },
  'lists the passkeys of an account in the order of their creation': async ({ store }) => {
    for (const [id, seconds] of [
      ['c', 2],
      ['b', 1],
      ['a', 1],
      ['d', 1.001],
    ] as const) {
      await store.create(passkeyOf(id, { createdAt: later(seconds) }));
    }
    await store.create(passkeyOf('other', { accountId: idOf(2) }));
    assert.deepEqual(await listIds(store, idOf(1)), ['a', 'b', 'd', 'c']);
    assert.deepEqual(await listIds(store, idOf(2)), ['other']);
    assert.deepEqual(await listIds(store, idOf(3)), []);
  },
  'records a use': async ({ store }) => {
    for (const id of ['a', 'b']) await store.create(passkeyOf(id, { counter: 7 }));
    assert.equal(await store.noteUse('a', useOf(2 ** 32 - 1, { backedUp: true }), 7), true);
    const used = passkeyOf('a', { counter: 2 ** 32 - 1, backedUp: true, lastUsedAt: later(60) });
    assert.deepEqual(plain(await store.find('a')), plain(used));
    assert.deepEqual(plain(await store.find('b')), plain(passkeyOf('b', { counter: 7 })));
  },
  'records no use where another counter is there than was expected': async ({ store }) => {
    await store.create(passkeyOf('a', { counter: 7 }));
    for (const expected of [0, 6, 8]) assert.equal(await store.noteUse('a', useOf(9), expected), false);
    assert.deepEqual(plain(await store.find('a')), plain(passkeyOf('a', { counter: 7 })));
    for (const counter of [3, 0, 5]) {
      assert.equal(await store.noteUse('a', useOf(counter), null), true);
      assert.equal((await store.find('a'))?.counter, counter);
    }
  },
  'records one of 50 uses at once that expect the same counter': async ({ store }) => {
    await store.create(passkeyOf('a', { counter: 7 }));
    assert.equal(await countTrue(50, (at) => store.noteUse('a', useOf(8 + at), 7)), 1);
    await store.create(passkeyOf('b'));
    assert.equal(await countTrue(50, () => store.noteUse('b', useOf(0), 0)), 50, 'one that does not count stays at 0');
    assert.equal(await countTrue(50, (at) => store.noteUse('b', useOf(at), null)), 50);
  },
  'removes a passkey of the account, once, whose id is free again': async ({ store }) => {
    for (const id of ['a', 'b']) await store.create(passkeyOf(id));
    assert.equal(await store.remove(idOf(2), 'a'), false);
    assert.equal(await countTrue(20, () => store.remove(idOf(1), 'a')), 1);
    assert.deepEqual(await listIds(store, idOf(1)), ['b']);
    assert.equal(await store.find('a'), null);
    assert.equal(await store.noteUse('a', useOf(1), null), false);
    assert.equal(await store.create(passkeyOf('a', { accountId: idOf(2) })), true);
  },
  'removes all passkeys of an account': async ({ store }) => {
    for (const id of ['a', 'b']) await store.create(passkeyOf(id, { accountId: strange }));
    await store.create(passkeyOf('c'));
    await store.removeOfAccount(strange);
    assert.deepEqual(await listIds(store, strange), []);
    assert.deepEqual(await listIds(store, idOf(1)), ['c']);
  },
  'keeps nothing that the caller goes on to change': async ({ store }) => {
    const publicKey = new Uint8Array(32).fill(1);
    const transports = ['usb'];
    await store.create(passkeyOf('a', { publicKey, transports }));
    publicKey.fill(0);
    transports.push('nfc');
    const expected = plain(passkeyOf('a', { publicKey: new Uint8Array(32).fill(1), transports: ['usb'] }));
    const found = await store.find('a');
    assert.deepEqual(plain(found), expected);
    found?.publicKey.fill(0);
    assert.deepEqual(plain(await store.find('a')), expected);
  },
};

/**
 * Tests a `PasskeyStore` of your own against everything that passkeys rely on. Call it in a test file, with Vitest's
 * `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describePasskeyStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describePasskeyStore(
  name: string,
  open: () => OpenedPasskeyStore | Promise<OpenedPasskeyStore>,
  runner: TestRunner = globalTestRunner('describePasskeyStore'),
): void {
  defineTests<OpenedPasskeyStore>(`the PasskeyStore ${name}`, open, contract, runner);
}
