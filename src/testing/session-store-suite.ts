import assert from 'node:assert/strict';

import type { SessionStore, StoredSession } from '../sessions/session-store.js';
import { assertStored, at, ending, idOf, newSession, plain, rotationOf, storedOf } from './session-samples.js';
import { defineTests, globalTestRunner, type TestRunner } from './test-globals.js';

/** A store for one test, empty. */
export interface OpenedSessionStore {
  readonly store: SessionStore;
  /** Called when the test is over. */
  readonly close?: () => unknown;
}

type StoreTest = (opened: OpenedSessionStore) => Promise<void>;

const creating: Readonly<Record<string, StoreTest>> = {
  'gives a session back as it was created': async ({ store }) => {
    const session = newSession(1);
    await store.create(session);
    await assertStored(store, storedOf(session));
  },
  'keeps what is not known as null, and a list that is empty': async ({ store }) => {
    const session = newSession(1, { amr: [], delivery: null, remember: false, userAgent: null, ipAddress: null });
    await store.create(session);
    await assertStored(store, storedOf(session));
  },
  'finds nothing for an id that there is not, and for any other text': async ({ store }) => {
    await store.create(newSession(1));
    const texts = ['', ' ', 'none', "it's", idOf(2), idOf(1).replace('7000', '7AAA'), `{${idOf(1)}}`, `${idOf(1)} `];
    for (const text of [...texts, idOf(1).replaceAll('-', ''), 'x'.repeat(5_000)]) {
      assert.equal(await store.find(text), null, `find(${JSON.stringify(text)})`);
      assert.equal(await store.rotate(text, rotationOf(0)), false);
      assert.equal(await store.end(text, ending()), false);
    }
    await assertStored(store, storedOf(newSession(1)));
  },
  'rejects a second session with the same id, and ends nothing for it': async ({ store }) => {
    await store.create(newSession(1));
    await store.create(newSession(2));
    await assert.rejects(
      store.create(newSession(1, { userId: 'user-2' }), { id: idOf(2), ending: ending('replaced') }),
    );
    await assertStored(store, storedOf(newSession(1)));
    await assertStored(store, storedOf(newSession(2)));
  },
  'ends the session that a new one replaces': async ({ store }) => {
    await store.create(newSession(1));
    await store.create(newSession(2), { id: idOf(1), ending: ending('replaced') });
    await assertStored(store, storedOf(newSession(1), { endedAt: at(200), endReason: 'replaced' }));
    await assertStored(store, storedOf(newSession(2)));
  },
  'creates a session where the one that it replaces is not there, or has ended': async ({ store }) => {
    await store.create(newSession(1));
    await store.end(idOf(1), ending('signed-out', 150));
    await store.create(newSession(2), { id: idOf(1), ending: ending('replaced') });
    await store.create(newSession(3), { id: idOf(9), ending: ending('replaced') });
    await store.create(newSession(4), { id: 'no id', ending: ending('replaced') });
    await assertStored(store, storedOf(newSession(1), { endedAt: at(150), endReason: 'signed-out' }));
    for (const number of [2, 3, 4]) await assertStored(store, storedOf(newSession(number)));
  },
};

const rotating: Readonly<Record<string, StoreTest>> = {
  'rotates the current generation, and no other': async ({ store }) => {
    await store.create(newSession(1));
    assert.equal(await store.rotate(idOf(1), rotationOf(0)), true);
    const rotated = storedOf(newSession(1), { ...rotationOf(0), generation: 1 });
    await assertStored(store, rotated);
    assert.equal(await store.rotate(idOf(1), rotationOf(0)), false);
    assert.equal(await store.rotate(idOf(1), rotationOf(2)), false);
    await assertStored(store, rotated);
    assert.equal(await store.rotate(idOf(1), rotationOf(1)), true);
    await assertStored(store, { ...rotated, ...rotationOf(1), generation: 2 });
  },
  'keeps 50 replacements in their order': async ({ store }) => {
    await store.create(newSession(1));
    const replacements = Array.from({ length: 50 }, (_, index) => ({ generation: 50 - index, at: at(50 - index) }));
    assert.equal(await store.rotate(idOf(1), { ...rotationOf(0), replacements }), true);
    await assertStored(store, storedOf(newSession(1), { ...rotationOf(0), replacements, generation: 1 }));
  },
  'does not rotate a session that has ended': async ({ store }) => {
    await store.create(newSession(1));
    await store.end(idOf(1), ending('reuse'));
    assert.equal(await store.rotate(idOf(1), rotationOf(0)), false);
    await assertStored(store, storedOf(newSession(1), { endedAt: at(200), endReason: 'reuse' }));
  },
  'lets one of 100 rotations at once succeed': async ({ store }) => {
    await store.create(newSession(1));
    for (const generation of [0, 1, 2]) {
      const results = await Promise.all(
        Array.from({ length: 100 }, () => store.rotate(idOf(1), rotationOf(generation))),
      );
      assert.equal(results.filter((succeeded) => succeeded).length, 1);
    }
    assert.equal((await store.find(idOf(1)))?.generation, 3);
  },
};

const ends: Readonly<Record<string, StoreTest>> = {
  'ends a session once, and keeps when and why': async ({ store }) => {
    await store.create(newSession(1));
    assert.equal(await store.end(idOf(1), ending('user-gone')), true);
    assert.equal(await store.end(idOf(1), ending('signed-out', 300)), false);
    await assertStored(store, storedOf(newSession(1), { endedAt: at(200), endReason: 'user-gone' }));
  },
  'lets one of 20 ends at once succeed': async ({ store }) => {
    await store.create(newSession(1));
    const results = await Promise.all(Array.from({ length: 20 }, () => store.end(idOf(1), ending())));
    assert.equal(results.filter((succeeded) => succeeded).length, 1);
  },
  'ends all sessions of a user, except one, and gives those that it ended': async ({ store }) => {
    for (const number of [1, 2, 3, 4]) await store.create(newSession(number));
    await store.create(newSession(5, { userId: 'user-2' }));
    await store.create(newSession(6, { userId: 'USER-1' }));
    await store.end(idOf(4), ending('signed-out', 150));
    const first = await store.endAll('user-1', ending('ended'), idOf(2), 100);
    assert.deepEqual([...first].sort(), [idOf(1), idOf(3)]);
    assert.deepEqual(await store.endAll('user-1', ending('ended'), null, 100), [idOf(2)]);
    assert.deepEqual(await store.endAll('user-1', ending('ended'), null, 100), []);
    await assertStored(store, storedOf(newSession(1), { endedAt: at(200), endReason: 'ended' }));
    await assertStored(store, storedOf(newSession(4), { endedAt: at(150), endReason: 'signed-out' }));
    await assertStored(store, storedOf(newSession(5, { userId: 'user-2' })));
    await assertStored(store, storedOf(newSession(6, { userId: 'USER-1' })));
  },
  'ends at most as many sessions as it is asked to': async ({ store }) => {
    for (const number of [1, 2, 3, 4, 5]) await store.create(newSession(number));
    const first = await store.endAll('user-1', ending('ended'), idOf(5), 3);
    assert.equal(first.length, 3);
    const second = await store.endAll('user-1', ending('ended'), idOf(5), 3);
    assert.deepEqual([...first, ...second].sort(), [1, 2, 3, 4].map(idOf));
    assert.deepEqual(await store.endAll('user-1', ending('ended'), idOf(5), 3), []);
  },
  'ends all sessions of a user when the one to keep is not there': async ({ store }) => {
    await store.create(newSession(1));
    assert.deepEqual(await store.endAll('user-1', ending('ended'), 'no id', 100), [idOf(1)]);
  },
  'deletes the sessions of a user that have ended, at most as many as it is asked to': async ({ store }) => {
    for (const number of [1, 2, 3, 4]) await store.create(newSession(number));
    await store.create(newSession(5, { userId: 'user-2' }));
    for (const number of [1, 2, 3, 5]) await store.end(idOf(number), ending());
    for (const text of ['', '\0', '\uD800', 'USER-1']) assert.equal(await store.deleteEnded(text, 10), 0);
    assert.equal(await store.deleteEnded('user-1', 2), 2);
    assert.equal(await store.deleteEnded('user-1', 2), 1);
    for (const number of [1, 2, 3]) assert.equal(await store.find(idOf(number)), null);
    await assertStored(store, storedOf(newSession(4)));
    assert.notEqual(await store.find(idOf(5)), null);
  },
  'finds and ends nothing for texts that are no id of a user': async ({ store }) => {
    await store.create(newSession(1, { userId: 'user \uFFFD' }));
    for (const text of ['', 'user \0', '\0', 'user \uD800', '\uDC00', 'x'.repeat(5_000)]) {
      assert.deepEqual(await store.list(text, { now: at(0), beforeId: null, limit: 100 }), []);
      assert.deepEqual(await store.endAll(text, ending('ended'), null, 100), []);
    }
    await assertStored(store, storedOf(newSession(1, { userId: 'user \uFFFD' })));
  },
  'ends each of 20 sessions once, when a user is ended 10 times at once': async ({ store }) => {
    for (let number = 1; number <= 20; number += 1) await store.create(newSession(number));
    const ended = await Promise.all(
      Array.from({ length: 10 }, () => store.endAll('user-1', ending('ended'), null, 100)),
    );
    assert.deepEqual(
      ended.flat().sort(),
      Array.from({ length: 20 }, (_, index) => idOf(index + 1)),
    );
  },
};

const idsOf = (sessions: readonly StoredSession[]): readonly string[] => sessions.map(({ id }) => id);

const listing: Readonly<Record<string, StoreTest>> = {
  'lists the sessions of a user, newest first, without those that ended or expired': async ({ store }) => {
    await store.create(newSession(2));
    await store.create(newSession(1));
    await store.create(newSession(3, { idleExpiresAt: at(400) }));
    await store.create(newSession(4, { absoluteExpiresAt: at(400) }));
    await store.create(newSession(5, { userId: 'user-2' }));
    await store.create(newSession(6));
    await store.end(idOf(6), ending());
    const [newest, ...others] = await store.list('user-1', { now: at(500), beforeId: null, limit: 50 });
    assert.deepEqual(plain(newest ?? null), plain(storedOf(newSession(2))));
    assert.deepEqual(idsOf(others), [idOf(1)]);
    assert.deepEqual(await store.list('user-3', { now: at(500), beforeId: null, limit: 50 }), []);
  },
  'lists page by page': async ({ store }) => {
    for (const number of [3, 1, 5, 2, 4]) await store.create(newSession(number));
    const pageBefore = async (beforeId: string | null): Promise<readonly string[]> =>
      idsOf(await store.list('user-1', { now: at(0), beforeId, limit: 2 }));
    assert.deepEqual(await pageBefore(null), [idOf(5), idOf(4)]);
    assert.deepEqual(await pageBefore(idOf(4)), [idOf(3), idOf(2)]);
    assert.deepEqual(await pageBefore(idOf(2)), [idOf(1)]);
    assert.deepEqual(await pageBefore(idOf(1)), []);
  },
};

const corp = (subject: string, sessionId: string | null = null) => ({
  login: { provider: 'corp', subject, sessionId },
});
/** A login with the longest texts, of characters that need the most bytes, an escape or care. */
const strange = { provider: 'ÄÖ \\', subject: '\uFFFD'.repeat(1_023) + '\\', sessionId: ` "${'🐈'.repeat(510)}' ` };

const logins: Readonly<Record<string, StoreTest>> = {
  'keeps the login that a session began by': async ({ store }) => {
    const session = newSession(1, { login: strange });
    await store.create(session);
    await store.create(newSession(2, corp('anna')));
    assert.equal(await store.rotate(idOf(1), rotationOf(0)), true);
    await assertStored(store, storedOf(session, { ...rotationOf(0), generation: 1 }));
    await assertStored(store, storedOf(newSession(2, corp('anna'))));
    const { provider, subject, sessionId } = strange;
    assert.deepEqual(await store.listByLogin(provider, { subject }, 10), [idOf(1)]);
    assert.deepEqual(await store.listByLogin(provider, { sessionId }, 10), [idOf(1)]);
  },
  'lists sessions that have not ended by the session and by the person at the provider': async ({ store }) => {
    await store.create(newSession(1, corp('anna', 's1')));
    await store.create(newSession(2, corp('anna', 's2')));
    await store.create(newSession(3, corp('anna')));
    await store.create(newSession(4, corp('ben', 's1')));
    await store.create(newSession(5, { login: { provider: 'other', subject: 'anna', sessionId: 's1' } }));
    await store.create(newSession(6));
    const find = async (by: Parameters<SessionStore['listByLogin']>[1], provider = 'corp') =>
      [...(await store.listByLogin(provider, by, 10))].sort();
    assert.deepEqual(await find({ sessionId: 's1' }), [idOf(1), idOf(4)]);
    assert.deepEqual(await find({ subject: 'anna' }), [1, 2, 3].map(idOf));
    assert.deepEqual(await find({ subject: 'anna' }, 'other'), [idOf(5)]);
    await store.end(idOf(1), ending('provider-signed-out'));
    assert.deepEqual(await find({ sessionId: 's1' }), [idOf(4)]);
    assert.deepEqual(await find({ subject: 'anna' }), [2, 3].map(idOf));
    await assertStored(
      store,
      storedOf(newSession(1, corp('anna', 's1')), { endedAt: at(200), endReason: 'provider-signed-out' }),
    );
  },
  'lists at most as many of them as it is asked to': async ({ store }) => {
    for (const number of [1, 2, 3, 4, 5]) await store.create(newSession(number, corp('anna')));
    const ended: string[] = [];
    for (const expected of [2, 2, 1, 0]) {
      const ids = await store.listByLogin('corp', { subject: 'anna' }, 2);
      assert.equal(ids.length, expected);
      for (const id of ids) await store.end(id, ending());
      ended.push(...ids);
    }
    assert.deepEqual(ended.sort(), [1, 2, 3, 4, 5].map(idOf));
  },
  'lists nothing for any other text': async ({ store }) => {
    await store.create(newSession(1, corp('anna', 's1')));
    for (const text of ['', 'ANNA', 'anna ', 'anna\0', 'anna\uD800', '\0', "it's", '%', 'x'.repeat(5_000)]) {
      assert.deepEqual(await store.listByLogin('corp', { subject: text }, 10), []);
      assert.deepEqual(await store.listByLogin('corp', { sessionId: text }, 10), []);
      assert.deepEqual(await store.listByLogin(text, { subject: 'anna' }, 10), []);
    }
  },
};

const purging: Readonly<Record<string, StoreTest>> = {
  'deletes what may be removed, at most as many as it is told to': async ({ store }) => {
    for (const number of [1, 2, 3]) await store.create(newSession(number, { removeAfter: at(100) }));
    await store.create(newSession(4, { removeAfter: at(300) }));
    assert.equal(await store.purge(at(50), 10), 0);
    assert.equal(await store.purge(at(200), 2), 2);
    assert.equal(await store.purge(at(200), 10), 1);
    assert.equal(await store.purge(at(200), 10), 0);
    assert.equal(await store.find(idOf(2)), null);
    await assertStored(store, storedOf(newSession(4, { removeAfter: at(300) })));
  },
  'keeps a session whose removal a rotation has put off': async ({ store }) => {
    await store.create(newSession(1, { removeAfter: at(100) }));
    await store.rotate(idOf(1), { ...rotationOf(0), removeAfter: at(300) });
    assert.equal(await store.purge(at(200), 10), 0);
    assert.equal(await store.purge(at(400), 10), 1);
  },
  'deletes each session once, when several purge at once': async ({ store }) => {
    for (let number = 1; number <= 30; number += 1) await store.create(newSession(number, { removeAfter: at(100) }));
    const counts = await Promise.all(Array.from({ length: 5 }, () => store.purge(at(200), 30)));
    assert.equal(counts.reduce((sum, count) => sum + count) + (await store.purge(at(200), 30)), 30);
  },
};

/**
 * Tests a `SessionStore` of your own against everything that `SessionsModule` relies on. Call it in a test file, with
 * Vitest's `globals: true` or Jest; without globals, pass the runner's functions as the third argument.
 *
 * @param open makes an empty store for each test
 * @example
 * describeSessionStore('our store', async () => {
 *   const store = await OurStore.open();
 *   return { store, close: () => store.close() };
 * });
 */
export function describeSessionStore(
  name: string,
  open: () => OpenedSessionStore | Promise<OpenedSessionStore>,
  runner: TestRunner = globalTestRunner('describeSessionStore'),
): void {
  const contract = { ...creating, ...rotating, ...ends, ...listing, ...logins, ...purging };
  defineTests<OpenedSessionStore>(`the SessionStore ${name}`, open, contract, runner);
}
