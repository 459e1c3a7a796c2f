import assert from 'node:assert/strict';

import type { OneTimeCodeStore, StoredOneTimeCode } from '../issuing/one-time-code-store.js';
import { createdAt, idOf, later, strange } from './account-store-suite.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedOneTimeCodeStore {
  readonly store: OneTimeCodeStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

const hashOf = (seed: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, at) => (at * 7 + seed) % 256);

function codeOf(number: number, parts: Partial<StoredOneTimeCode> = {}): StoredOneTimeCode {
  return {
    id: idOf(number),
    purpose: 'verify',
    subject: `subject ${number}`,
    accountId: null,
    linkHash: hashOf(number),
    typed: null,
    payload: {},
    createdAt,
    expiresAt: later(60),
    ...parts,
  };
}

/** In a form that can be compared: bytes of any class as text. */
function plain(code: StoredOneTimeCode | null): unknown {
  if (code === null) return null;
  const dates = [code.createdAt, code.expiresAt, code.typed?.expiresAt];
  assert.ok(
    dates.every((date) => date === undefined || date instanceof Date),
    'times are given as Date',
  );
  const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return {
    ...code,
    linkHash: code.linkHash && toHex(code.linkHash),
    typed: code.typed && { ...code.typed, hash: toHex(code.typed.hash) },
  };
}

/** Whether the code can be used still. */
async function isThere(store: OneTimeCodeStore, number: number): Promise<boolean> {
  return (await store.findByLink(hashOf(number), createdAt)) !== null;
}

async function whichAreThere(store: OneTimeCodeStore, numbers: readonly number[]): Promise<number[]> {
  const found = await Promise.all(numbers.map((number) => isThere(store, number)));
  return numbers.filter((_, at) => found[at]);
}

function countTrue(results: readonly boolean[]): number {
  return results.filter((result) => result).length;
}

/** Calls a function so many times at once. */
function atOnce<Result>(times: number, call: (at: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: times }, (_, at) => call(at)));
}

const contract: Readonly<Record<string, (opened: OpenedOneTimeCodeStore) => Promise<void>>> = {
  'gives a code back as it was created, as often as it is asked for': async ({ store }) => {
    const full = codeOf(1, {
      purpose: strange,
      subject: strange,
      accountId: strange,
      typed: { hash: hashOf(200), expiresAt: later(30.007) },
      payload: { b: strange, a: [null, { c: 1.5 }] },
      expiresAt: later(60.001),
    });
    for (const code of [full, codeOf(2), codeOf(3, { linkHash: null }), codeOf(4, { linkHash: null })]) {
      await store.create(code);
      for (const now of [createdAt, later(59.999)]) {
        assert.deepEqual(plain(await store.findBySubject(code.purpose, code.subject, now)), plain(code));
        const byLink = code.linkHash === null ? code : await store.findByLink(code.linkHash, now);
        assert.deepEqual(plain(byLink), plain(code));
      }
    }
  },
  'finds nothing under another hash, subject, purpose or id': async ({ store }) => {
    await store.create(codeOf(1, { subject: 'Subject', linkHash: hashOf(1) }));
    for (const hash of [hashOf(2), hashOf(1).slice(0, 31), new Uint8Array()]) {
      assert.equal(await store.findByLink(hash, createdAt), null);
    }
    for (const text of ['', 'subject', 'Subject ', '%', 'a\0b', '\ud800']) {
      assert.equal(await store.findBySubject('verify', text, createdAt), null);
      assert.equal(await store.findBySubject(text, 'Subject', createdAt), null);
      assert.equal(await store.takeTry(text, 5), false);
      assert.equal(await store.use(text, createdAt), false);
      await store.returnTry(text);
      await store.endOfAccount(text);
    }
    assert.equal(await store.use(idOf(2), createdAt), false);
    assert.equal(await isThere(store, 1), true);
  },
  'neither finds nor uses a code that has expired': async ({ store }) => {
    await store.create(codeOf(1));
    for (const now of [later(60), later(61)]) {
      assert.equal(await store.findByLink(hashOf(1), now), null);
      assert.equal(await store.findBySubject('verify', 'subject 1', now), null);
      assert.equal(await store.use(idOf(1), now), false);
    }
    assert.equal(await store.use(idOf(1), later(59.999)), true);
  },
  'ends the earlier code of the same purpose and subject, and no other': async ({ store }) => {
    const subject = 'ada';
    await store.create(codeOf(1, { subject }));
    await store.create(codeOf(2, { subject, purpose: 'reset' }));
    await store.create(codeOf(3, { subject: 'bob' }));
    for (let count = 0; count < 5; count += 1) await store.takeTry(idOf(1), 5);
    await store.create(codeOf(4, { subject, payload: { is: 'new' } }));
    assert.deepEqual(await whichAreThere(store, [1, 2, 3, 4]), [2, 3, 4]);
    assert.equal(await store.use(idOf(1), createdAt), false);
    assert.equal(await store.takeTry(idOf(1), 5), false);
    assert.equal(await store.takeTry(idOf(4), 1), true, 'the new code has all of its tries');
    assert.deepEqual((await store.findBySubject('verify', subject, createdAt))?.payload, { is: 'new' });
  },
  'leaves one code of 50 that were created at once': async ({ store }) => {
    await atOnce(50, (at) => store.create(codeOf(at + 1, { subject: 'ada' })));
    const numbers = Array.from({ length: 50 }, (_, at) => at + 1);
    const [left, ...others] = await whichAreThere(store, numbers);
    assert.deepEqual(others, []);
    assert.equal((await store.findBySubject('verify', 'ada', createdAt))?.id, idOf(left ?? 0));
  },
  'lets one of 50 calls at once use a code': async ({ store }) => {
    await store.create(codeOf(1));
    await store.create(codeOf(2));
    assert.equal(countTrue(await atOnce(50, () => store.use(idOf(1), createdAt))), 1);
    assert.deepEqual(await whichAreThere(store, [1, 2]), [2]);
    assert.equal(await store.findBySubject('verify', 'subject 1', createdAt), null);
    assert.equal(await store.takeTry(idOf(1), 5), false);
  },
  'gives 5 tries to 50 calls at once, and one more for each that was returned': async ({ store }) => {
    await store.create(codeOf(1));
    await store.create(codeOf(2));
    await store.returnTry(idOf(1));
    assert.equal(countTrue(await atOnce(50, () => store.takeTry(idOf(1), 5))), 5);
    await store.returnTry(idOf(1));
    assert.equal(countTrue(await atOnce(10, () => store.takeTry(idOf(1), 5))), 1);
    assert.equal(countTrue(await atOnce(10, () => store.takeTry(idOf(2), 5))), 5, 'another code has its own');
    assert.equal(await store.use(idOf(1), createdAt), true, 'the code in the link is not ended by tries');
  },
  'ends the codes of an account': async ({ store }) => {
    await store.create(codeOf(1, { subject: strange }));
    await store.create(codeOf(2, { subject: strange, purpose: 'reset', accountId: 'other' }));
    await store.create(codeOf(3, { subject: 'b', accountId: strange }));
    await store.create(codeOf(4, { subject: 'c', accountId: strange }));
    await store.create(codeOf(5, { subject: 'd' }));
    await store.endOfAccount(strange);
    assert.deepEqual(await whichAreThere(store, [1, 2, 3, 4, 5]), [1, 2, 5]);
  },
  'deletes what has expired, in parts, also when several do so': async ({ store }) => {
    for (let number = 1; number <= 7; number += 1) {
      await store.create(codeOf(number, { expiresAt: later(number < 7 ? number : 60) }));
    }
    assert.equal(await store.purge(createdAt, 10), 0);
    assert.equal(await store.purge(later(6), 4), 4);
    const deleted = await atOnce(5, () => store.purge(later(6), 4));
    assert.equal(
      deleted.reduce((sum, count) => sum + count, 0),
      2,
    );
    assert.deepEqual(await whichAreThere(store, [1, 2, 3, 4, 5, 6, 7]), [7]);
  },
  'keeps nothing that the caller goes on to change': async ({ store }) => {
    const linkHash = hashOf(1);
    const payload = { roles: ['a'] };
    const code = codeOf(1, { payload: { roles: ['a'] } });
    await store.create({ ...code, linkHash, payload });
    linkHash.fill(0);
    payload.roles.push('admin');
    assert.deepEqual(plain(await store.findByLink(hashOf(1), createdAt)), plain(code));
  },
};

/**
 * Tests a `OneTimeCodeStore` of your own against everything that codes in mails rely on. Call it in a test file, with Vitest's
 * `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeOneTimeCodeStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeOneTimeCodeStore(
  name: string,
  open: () => OpenedOneTimeCodeStore | Promise<OpenedOneTimeCodeStore>,
  runner: TestRunner = globalTestRunner('describeOneTimeCodeStore'),
): void {
  defineTests<OpenedOneTimeCodeStore>(`the OneTimeCodeStore ${name}`, open, contract, runner);
}
