import assert from 'node:assert/strict';

import type { DpopReplayStore } from '../dpop/dpop-replay-store.js';
import { createdAt as now, later, strange } from './account-store-suite.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedDpopReplayStore {
  readonly store: DpopReplayStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

/** The thumbprint of a key (RFC 9449 §6.1). */
const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
/** A hash, as the keys are. */
const key = 'sXxsGi0bHYCWv6VnRR7GMJ9LBr5UVVbFUy4Xw6S1i1w';

const contract: Readonly<Record<string, (opened: OpenedDpopReplayStore) => Promise<void>>> = {
  'takes a key once': async ({ store }) => {
    assert.equal(await store.remember(key, later(300), now, jkt), true);
    assert.equal(await store.remember(key, later(300), now, jkt), false);
    assert.equal(await store.remember(key, later(600), later(299.999), jkt), false);
  },
  'takes other keys, whatever they have in common': async ({ store }) => {
    const keys = [key, key.toLowerCase(), key.slice(1), `${key} `, `${key}\0`, strange, '', 'x'.repeat(1_000)];
    for (const each of keys) assert.equal(await store.remember(each, later(300), now, jkt), true, JSON.stringify(each));
    for (const each of keys)
      assert.equal(await store.remember(each, later(300), now, jkt), false, JSON.stringify(each));
  },
  'gives true to one of 100 calls at once': async ({ store }) => {
    const calls = Array.from({ length: 100 }, (_, at) => store.remember(key, later(300 + at), now, jkt));
    assert.equal((await Promise.all(calls)).filter((isFirst) => isFirst).length, 1);
  },
  'remembers until the key expires, by the time that it is given': async ({ store }) => {
    assert.equal(await store.remember(key, later(0.5), now, jkt), true);
    assert.equal(await store.remember(key, later(0.5), later(0.499), jkt), false);
    assert.equal(await store.remember(key, later(300), later(0.5), jkt), true);
    assert.equal(await store.remember(key, later(300), later(1), jkt), false);
  },
  'gives true to one of 100 calls at once when the key has expired': async ({ store }) => {
    await store.remember(key, later(1), now, jkt);
    const calls = Array.from({ length: 100 }, () => store.remember(key, later(300), later(2), jkt));
    assert.equal((await Promise.all(calls)).filter((isFirst) => isFirst).length, 1);
  },
  'keeps what was refused for as long as it was first remembered': async ({ store }) => {
    await store.remember(key, later(300), now, jkt);
    await store.remember(key, later(1), now, jkt);
    assert.equal(await store.remember(key, later(300), later(2), jkt), false);
  },
  'remembers many': async ({ store }) => {
    const keys = Array.from({ length: 2_000 }, (_, at) => `${key}${at}`);
    const take = () => Promise.all(keys.map((each) => store.remember(each, later(300), now, jkt)));
    assert.ok((await take()).every((isFirst) => isFirst));
    assert.ok((await take()).every((isFirst) => !isFirst));
  },
};

/**
 * Tests a `DpopReplayStore` of your own against everything that DPoP relies on. Call it in a test file, with Vitest's
 * `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeDpopReplayStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeDpopReplayStore(
  name: string,
  open: () => OpenedDpopReplayStore | Promise<OpenedDpopReplayStore>,
  runner: TestRunner = globalTestRunner('describeDpopReplayStore'),
): void {
  defineTests<OpenedDpopReplayStore>(`the DpopReplayStore ${name}`, open, contract, runner);
}
