import assert from 'node:assert/strict';

import type { SigningKeyStore, StoredSigningKey } from '../issuing/signing-key-store.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedSigningKeyStore {
  readonly store: SigningKeyStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

function keyOf(sequence: number, parts: Partial<StoredSigningKey> = {}): StoredSigningKey {
  return {
    kid: `kid-${sequence}`.padEnd(43, '_'),
    sequence,
    algorithm: 'ES256',
    publicJwk: `{"kty":"EC","crv":"P-256","x":"ä\\"\\\\","y":"${sequence}"}`,
    // Every value that a byte can have.
    sealedPrivateKey: Uint8Array.from({ length: 300 }, (_, index) => (index + sequence) % 256),
    createdAt: new Date('2030-01-01T00:00:00.123Z'),
    signsFrom: new Date('2030-01-02T00:00:00.456Z'),
    ...parts,
  };
}

/** In a form that can be compared: bytes of any class as text. */
function plain(keys: readonly StoredSigningKey[]): unknown {
  return keys.map((key) => {
    assert.ok(key.createdAt instanceof Date, 'times are given as Date');
    return { ...key, sealedPrivateKey: Buffer.from(key.sealedPrivateKey).toString('hex') };
  });
}

async function assertStored(store: SigningKeyStore, expected: readonly StoredSigningKey[]): Promise<void> {
  assert.deepEqual(plain(await store.list()), plain(expected));
}

const contract: Readonly<Record<string, (opened: OpenedSigningKeyStore) => Promise<void>>> = {
  'is empty at first': async ({ store }) => {
    await assertStored(store, []);
  },
  'gives keys back as they were added, in the order of their sequence': async ({ store }) => {
    const keys = [keyOf(1), keyOf(2, { algorithm: 'EdDSA' }), keyOf(10, { algorithm: 'RS256' })];
    for (const key of keys.toReversed()) assert.equal(await store.add(key), true);
    await assertStored(store, keys);
  },
  'refuses a second key of one sequence, and of one kid': async ({ store }) => {
    await store.add(keyOf(1));
    assert.equal(await store.add(keyOf(1, { kid: 'another' })), false);
    assert.equal(await store.add(keyOf(2, { kid: keyOf(1).kid })), false);
    assert.equal(await store.add(keyOf(1)), false);
    await assertStored(store, [keyOf(1)]);
  },
  'lets one of 20 keys of one sequence succeed that are added at once': async ({ store }) => {
    const keys = Array.from({ length: 20 }, (_, index) => keyOf(1, { kid: `kid ${index}` }));
    const results = await Promise.all(keys.map((key) => store.add(key)));
    assert.equal(results.filter((succeeded) => succeeded).length, 1);
    await assertStored(store, [keys[results.indexOf(true)] ?? keyOf(0)]);
  },
  'removes keys, and takes one that is not there': async ({ store }) => {
    for (const sequence of [1, 2, 3]) await store.add(keyOf(sequence));
    await store.remove([]);
    await store.remove([keyOf(1).kid, keyOf(3).kid, 'none', "it's"]);
    await assertStored(store, [keyOf(2)]);
    await store.remove([keyOf(1).kid]);
    assert.equal(await store.add(keyOf(1)), true);
    await assertStored(store, [keyOf(1), keyOf(2)]);
  },
};

/**
 * Tests a `SigningKeyStore` of your own against everything that `SessionsModule` relies on. Call it in a test file, with
 * Vitest's `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeSigningKeyStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeSigningKeyStore(
  name: string,
  open: () => OpenedSigningKeyStore | Promise<OpenedSigningKeyStore>,
  runner: TestRunner = globalTestRunner('describeSigningKeyStore'),
): void {
  defineTests<OpenedSigningKeyStore>(`the SigningKeyStore ${name}`, open, contract, runner);
}
