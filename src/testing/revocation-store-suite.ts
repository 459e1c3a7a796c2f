import assert from 'node:assert/strict';

import type { RevocationEntry, RevocationStore } from '../revocation/revocation-store.js';
import { globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedRevocationStore {
  readonly store: RevocationStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

type StoreTest = (store: RevocationStore) => Promise<void>;

const later = Math.floor(Date.now() / 1_000) + 86_400;

function entryOf(value: string, parts: Partial<RevocationEntry> = {}): RevocationEntry {
  const issuer = 'https://issuer.example';
  return { kind: 'session', issuer, value, issuedUntilSeconds: null, expiresAtSeconds: later, ...parts };
}

/** Reads to the end, from the beginning or from a cursor. */
async function readAll(
  store: RevocationStore,
  from: string | null = null,
): Promise<{ entries: RevocationEntry[]; cursor: string }> {
  const entries: RevocationEntry[] = [];
  let cursor = from;
  for (;;) {
    const page = cursor === null ? await store.snapshot() : await store.changesSince(cursor);
    if (page === null) throw new Error('changesSince() does not know a cursor that this store gave a moment ago');
    entries.push(...page.entries);
    cursor = page.cursor;
    if (!page.hasMore) return { entries, cursor };
  }
}

function textOf({ kind, issuer, value, issuedUntilSeconds, expiresAtSeconds }: RevocationEntry): string {
  return JSON.stringify([kind, issuer, value, issuedUntilSeconds, expiresAtSeconds]);
}

/** An entry may be given twice, but nothing may be missing or made up. */
function assertSame(read: readonly RevocationEntry[], expected: readonly RevocationEntry[]): void {
  assert.deepEqual([...new Set(read.map(textOf))].sort(), [...new Set(expected.map(textOf))].sort());
}

function assertHas(read: readonly RevocationEntry[], expected: readonly RevocationEntry[]): void {
  const texts = new Set(read.map(textOf));
  assert.deepEqual(
    expected.filter((entry) => !texts.has(textOf(entry))),
    [],
    'these entries are missing',
  );
}

const contract: Readonly<Record<string, StoreTest>> = {
  'is empty at first': async (store) => {
    assertSame((await readAll(store)).entries, []);
  },
  'gives back every kind of entry as it was added': async (store) => {
    const entries = [
      entryOf('jti-1', { kind: 'token' }),
      entryOf('sid-1', { kind: 'session' }),
      entryOf('alice', { kind: 'user', issuedUntilSeconds: later - 86_400 }),
      entryOf('web', { kind: 'client', issuedUntilSeconds: 0 }),
      entryOf('sid-1', { kind: 'session', issuer: 'https://other.example' }),
    ];
    await store.add(entries);
    assertSame((await readAll(store)).entries, entries);
  },
  'keeps texts exactly as they are': async (store) => {
    const values = [
      'A',
      'a',
      'a ',
      ' a',
      "it's",
      'a"b\\c',
      'a,b;c:d|e',
      '%',
      '_',
      'ä',
      'a\u0308',
      '🐈',
      'x'.repeat(1_000),
    ];
    const entries = values.map((value) => entryOf(value));
    await store.add(entries);
    assertSame((await readAll(store)).entries, entries);
  },
  'takes an entry that it has already, and an empty list': async (store) => {
    await store.add([]);
    await store.add([entryOf('again')]);
    await store.add([entryOf('again'), entryOf('again')]);
    assertSame((await readAll(store)).entries, [entryOf('again')]);
  },
  'keeps both of two entries for one user': async (store) => {
    const entries = [10, 20].map((issuedUntilSeconds) => entryOf('alice', { kind: 'user', issuedUntilSeconds }));
    for (const entry of entries) await store.add([entry]);
    const { entries: read } = await readAll(store);
    // A store that merges them keeps the later one, which covers both.
    assertHas(read, entries.slice(1));
  },
  'gives what was added since a cursor': async (store) => {
    await store.add([entryOf('first')]);
    const { cursor } = await readAll(store);
    await store.add([entryOf('second')]);
    await store.add([entryOf('third')]);
    assertHas((await readAll(store, cursor)).entries, [entryOf('second'), entryOf('third')]);
  },
  'gives an entry that was added again with a later time since a cursor': async (store) => {
    await store.add([entryOf('alice', { kind: 'user', issuedUntilSeconds: 10 })]);
    const { cursor } = await readAll(store);
    const renewed = entryOf('alice', { kind: 'user', issuedUntilSeconds: 20, expiresAtSeconds: later + 10 });
    await store.add([renewed]);
    assertHas((await readAll(store, cursor)).entries, [renewed]);
  },
  'answers a cursor as often as it is asked': async (store) => {
    const { cursor } = await readAll(store);
    await store.add([entryOf('one')]);
    for (let time = 0; time < 3; time += 1) assertHas((await readAll(store, cursor)).entries, [entryOf('one')]);
  },
  'answers null to a cursor that it does not know': async (store) => {
    assert.equal(await store.changesSince('no cursor of this store'), null);
  },
  'gives many entries completely, over as many pages as it likes': async (store) => {
    const entries = Array.from({ length: 5_000 }, (_, at) => entryOf(`session-${at}`));
    await store.add(entries.slice(0, 2_500));
    const { cursor, entries: first } = await readAll(store);
    assertSame(first, entries.slice(0, 2_500));
    await store.add(entries.slice(2_500));
    assertHas((await readAll(store, cursor)).entries, entries.slice(2_500));
    assertSame((await readAll(store)).entries, entries);
  },
  'leaves nothing out that is added while it is read': async (store) => {
    const entries = Array.from({ length: 200 }, (_, at) => entryOf(`concurrent-${at}`));
    let { entries: read, cursor } = await readAll(store);
    const adding = Promise.all(entries.map((entry) => store.add([entry])));
    const isAdded = adding.then(() => true);
    for (let isLast = false; !isLast; ) {
      // Read once more after everything was added.
      isLast = await Promise.race([isAdded, new Promise<false>((resolve) => setImmediate(resolve, false))]);
      const next = await readAll(store, cursor);
      read = [...read, ...next.entries];
      cursor = next.cursor;
    }
    assertSame(read, entries);
  },
};

/**
 * Tests a `RevocationStore` of your own against everything that `AuthModule` relies on. Call it in a test file, with
 * Vitest's `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeRevocationStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeRevocationStore(
  name: string,
  open: () => OpenedRevocationStore | Promise<OpenedRevocationStore>,
  runner: TestRunner = globalTestRunner('describeRevocationStore'),
): void {
  const { describe, it } = runner;
  if (typeof describe !== 'function' || typeof it !== 'function') {
    throw new TypeError('describeRevocationStore needs describe and it: turn globals on, or pass { describe, it }');
  }
  describe(`the RevocationStore ${name}`, () => {
    for (const [title, test] of Object.entries(contract)) {
      it(title, async () => {
        const { store, close } = await open();
        try {
          await test(store);
        } finally {
          await close?.();
        }
      });
    }
  });
}
