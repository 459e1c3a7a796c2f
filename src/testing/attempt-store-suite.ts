import assert from 'node:assert/strict';

import type { AttemptCounter, AttemptStore } from '../issuing/attempt-store.js';
import { createdAt as now, later, strange } from './account-store-suite.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedAttemptStore {
  readonly store: AttemptStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

const minute = 60_000;

function counterOf(key: string, limit: number, windowMs = minute): AttemptCounter {
  return { key, limit, windowMs };
}

/** Takes until the counter is full. @returns how often it could */
async function countRoom(store: AttemptStore, counter: AttemptCounter, at = now): Promise<number> {
  for (let count = 0; ; count += 1) {
    if ((await store.take([counter], at)) !== null) return count;
    assert.ok(count <= counter.limit, 'no counter exceeds its limit');
  }
}

/** Takes so often at once. @returns how many were counted */
async function takeAtOnce(
  store: AttemptStore,
  times: number,
  countersOf: (at: number) => readonly AttemptCounter[],
): Promise<number> {
  const results = await Promise.all(Array.from({ length: times }, (_, at) => store.take(countersOf(at), now)));
  return results.filter((result) => result === null).length;
}

const contract: Readonly<Record<string, (opened: OpenedAttemptStore) => Promise<void>>> = {
  'counts up to the limit, and says when there is room again': async ({ store }) => {
    const counter = counterOf(strange, 3);
    for (const seconds of [0, 10, 20.007]) assert.equal(await store.take([counter], later(seconds)), null);
    assert.deepEqual(await store.take([counter], later(30)), later(60));
    assert.deepEqual(await store.take([counter], later(59.999)), later(60), 'what is refused is not counted');
    assert.equal(await store.take([counter], later(60)), null);
    assert.deepEqual(await store.take([counter], later(60)), later(70));
    assert.equal(await store.take([counter], later(70)), null);
    assert.deepEqual(await store.take([counter], later(71)), later(80.007));
    assert.equal(await store.take([counterOf('another', 3)], later(30)), null);
    assert.equal(await countRoom(store, counter, later(1_000)), 3);
  },
  'finds room by a limit that has become another one': async ({ store }) => {
    for (const seconds of [0, 10, 20]) await store.take([counterOf('a', 3)], later(seconds));
    assert.deepEqual(await store.take([counterOf('a', 1)], later(30)), later(80));
    assert.equal(await store.take([counterOf('a', 1, 5_000)], later(30)), null);
    assert.equal(await store.take([counterOf('b', 2)], later(30)), null);
  },
  'counts under all counters or under none': async ({ store }) => {
    const [short, long, other] = [counterOf('a', 1), counterOf('b', 5, 10 * minute), counterOf('c', 1, 5 * minute)];
    assert.equal(await store.take([], now), null);
    assert.equal(await store.take([long, short], now), null);
    assert.deepEqual(await store.take([short, long], later(1)), later(60));
    assert.equal(await store.take([other], later(2)), null);
    assert.deepEqual(await store.take([long, short, other], later(3)), later(302), 'the latest of those that are full');
    assert.equal(await countRoom(store, long, later(4)), 4);
  },
  'lets no more than the limit pass of 100 at once': async ({ store }) => {
    assert.equal(await takeAtOnce(store, 100, () => [counterOf('a', 10)]), 10);
    assert.equal(await countRoom(store, counterOf('a', 10)), 0);
  },
  'counts exactly where many share some of their counters': async ({ store }) => {
    const shared = counterOf('shared', 50);
    const pairs = [counterOf('z', 20), counterOf('a', 20)];
    const taken = await takeAtOnce(store, 100, (at) => {
      const pair = pairs[at % 2] ?? shared;
      return at % 3 === 0 ? [shared, pair] : [pair, shared];
    });
    // Others may hold a place for a moment, and give it back because another counter is full.
    assert.ok(taken > 0 && taken <= 40, `${taken} were counted`);
    let left = 0;
    for (const pair of pairs) left += await countRoom(store, pair);
    assert.equal(left, 40 - taken);
    assert.equal(await countRoom(store, shared), 50 - taken);
  },
  'forgets what is given back, one attempt for each call': async ({ store }) => {
    const [a, b] = [counterOf('a', 3), counterOf('b', 3)];
    for (const seconds of [0, 0, 10]) await store.take([a, b], later(seconds));
    await store.giveBack([], now);
    await store.giveBack(['none', '', strange], now);
    await store.giveBack(['a'], later(5));
    await store.giveBack(['a'], now);
    assert.equal(await countRoom(store, b), 0);
    assert.equal(await store.take([a], later(20)), null);
    assert.deepEqual(await store.take([a], later(20)), later(60));
    await store.giveBack(['b', 'a'], later(10));
    await store.giveBack(['b'], later(0));
    assert.equal(await countRoom(store, a, later(20)), 1);
    assert.equal(await countRoom(store, b, later(20)), 2);
  },
  'takes and gives back at once, and forgets none': async ({ store }) => {
    const counters = [counterOf('b', 30), counterOf('a', 30)];
    const keys = counters.map(({ key }) => key);
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        for (let round = 0; round < 3; round += 1) {
          assert.equal(await store.take(counters, now), null);
          if (at !== 0) await store.giveBack(at % 2 === 0 ? keys : keys.toReversed(), now);
        }
      }),
    );
    for (const counter of counters) assert.equal(await countRoom(store, counter), 27);
  },
  'is not blocked for long by a clock that was ahead': async ({ store }) => {
    const counter = counterOf('a', 2);
    for (const seconds of [86_400, 86_400]) await store.take([counter], later(seconds));
    assert.equal(await store.take([counter], now), null);
    await store.take([counterOf('b', 1)], later(2));
    assert.deepEqual(await store.take([counterOf('b', 1)], now), later(62), 'a difference between clocks still counts');
  },
  'remembers networks of a login until they expire': async ({ store }) => {
    await store.rememberNetwork('ada', strange, later(60));
    assert.equal(await store.knowsNetwork('ada', strange, later(59.999)), true);
    assert.equal(await store.knowsNetwork('ada', strange, later(60)), false);
    for (const [login, network] of [
      ['ada', 'other'],
      ['bob', strange],
      [strange, 'ada'],
      ['', ''],
    ] as const) {
      assert.equal(await store.knowsNetwork(login, network, now), false);
    }
    await Promise.all(Array.from({ length: 20 }, () => store.rememberNetwork('ada', strange, later(90))));
    assert.equal(await store.knowsNetwork('ada', strange, later(80)), true);
  },
  'remembers the latest 20 networks of a login': async ({ store }) => {
    await store.rememberNetwork('bob', '0', later(60));
    for (let at = 0; at < 20; at += 1) await store.rememberNetwork('ada', String(at), later(60 + at));
    await store.rememberNetwork('ada', '0', later(90));
    await store.rememberNetwork('ada', 'new', later(91));
    const known: string[] = [];
    for (const network of ['0', '1', '2', '19', 'new']) {
      if (await store.knowsNetwork('ada', network, now)) known.push(network);
    }
    assert.deepEqual(known, ['0', '2', '19', 'new']);
    assert.equal(await store.knowsNetwork('bob', '0', now), true);
  },
};

/**
 * Tests an `AttemptStore` of your own against everything that the limits of sign-ins rely on. Call it in a test file, with
 * Vitest's `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeAttemptStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeAttemptStore(
  name: string,
  open: () => OpenedAttemptStore | Promise<OpenedAttemptStore>,
  runner: TestRunner = globalTestRunner('describeAttemptStore'),
): void {
  defineTests<OpenedAttemptStore>(`the AttemptStore ${name}`, open, contract, runner);
}
