import { describe, expect, it } from 'vitest';
import { MemoryRevocationStore } from '../../../src/revocation/memory-revocation-store.js';
import type { RevocationEntry } from '../../../src/revocation/revocation-store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { issuer, openRevocation, settle, tokenOf } from './opened-revocation.js';
import { FaultyStore, TransactionalStore } from './stores.js';

const revoked = 'INVALID_TOKEN revoked';
const unavailable = 'SERVER_ERROR';

function entryOf(value: string, parts: Partial<RevocationEntry> = {}): RevocationEntry {
  const expiresAtSeconds = new ManualClock().now().getTime() / 1_000 + 86_400;
  return { kind: 'session', issuer, value, issuedUntilSeconds: null, expiresAtSeconds, ...parts };
}

describe('two processes that share a store', () => {
  it('refuse what the other has revoked after refreshSeconds', async () => {
    const clock = new ManualClock();
    const store = new MemoryRevocationStore(clock);
    const [one, other] = [openRevocation(store, { clock }), openRevocation(store, { clock, refreshSeconds: 3 })];
    await Promise.all([one.feed.start(), other.feed.start()]);
    expect(other.timer.delayMs).toBe(3_000);

    await one.service.revokeSession({ issuer, sessionId: 's1' });
    const { version } = other.check;
    expect(one.judge(tokenOf(clock))).toBe(revoked);
    expect(other.judge(tokenOf(clock))).toBe('passed');
    await other.ring();
    expect(other.judge(tokenOf(clock))).toBe(revoked);
    expect(other.check.version).not.toBe(version);
  });

  it('know from the start what was revoked before, over several pages', async () => {
    const clock = new ManualClock();
    const store = new TransactionalStore();
    await store.add(['s1', 's2', 's3'].map((value) => entryOf(value)));
    const opened = openRevocation(store, { clock });
    await opened.service.onApplicationBootstrap();
    const outcomes = ['s1', 's2', 's3', 's4'].map((sid) => opened.judge(tokenOf(clock, { sid })));
    expect(outcomes).toEqual([revoked, revoked, revoked, 'passed']);
  });

  it('miss nothing that is committed late', async () => {
    const clock = new ManualClock();
    const store = new TransactionalStore();
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    const early = store.begin(entryOf('s1'));
    store.begin(entryOf('s2')).commit();
    await opened.ring();
    expect(opened.judge(tokenOf(clock, { sid: 's2' }))).toBe(revoked);
    expect(opened.judge(tokenOf(clock))).toBe('passed');
    early.commit();
    await opened.ring();
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
  });

  it('keep the version while nothing changes, so that remembered tokens are not checked again', async () => {
    const clock = new ManualClock();
    const store = new MemoryRevocationStore(clock);
    const opened = openRevocation(store, { clock });
    await store.add([entryOf('s1')]);
    await opened.feed.start();
    const { version } = opened.check;
    await store.add([entryOf('s1')]);
    for (let time = 0; time < 5; time += 1) await opened.ring();
    expect(opened.check.version).toBe(version);
  });

  it('call listeners after their own revocations and after those of others, and for nothing else', async () => {
    const clock = new ManualClock();
    const store = new MemoryRevocationStore(clock);
    const opened = openRevocation(store, { clock });
    let calls = 0;
    opened.feed.onChange(() => {
      calls += 1;
    });
    await opened.feed.start();
    expect(calls).toBe(0);
    await opened.service.revokeSession({ issuer, sessionId: 's1' });
    expect(calls).toBe(1);
    await opened.ring();
    expect(calls).toBe(1);
    await store.add([entryOf('s2')]);
    await opened.ring();
    expect(calls).toBe(2);
  });

  it('read everything again when the store has forgotten their place, and keep what they know', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    const opened = openRevocation(store, { clock });
    await opened.service.revokeSession({ issuer, sessionId: 's1' });
    await settle();
    await store.add([entryOf('s2')]);
    store.state = 'forgetful';
    await opened.ring();
    for (const sid of ['s1', 's2']) expect(opened.judge(tokenOf(clock, { sid }))).toBe(revoked);
    expect(opened.events).toEqual([]);
  });
});

describe('a store that cannot be read', () => {
  it.each([
    ['does not answer', 'silent'],
    ['fails', 'down'],
  ] as const)('answers 503 after serveStaleForSeconds when it %s, until it answers again', async (_, state) => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    const opened = openRevocation(store, { clock, serveStaleForSeconds: 10 });
    await opened.service.revokeSession({ issuer, sessionId: 's1' });
    await opened.ring();
    const token = tokenOf(clock, { sid: 's2' });
    const readAt = clock.now().getTime();
    const ageSeconds = (): number => (clock.now().getTime() - readAt) / 1_000;

    store.state = state;
    while (opened.judge(token) === 'passed' && ageSeconds() < 100) {
      expect(opened.events).toEqual([]);
      await opened.ring();
    }
    expect(ageSeconds()).toBe(10);
    expect(opened.judge(token)).toBe(unavailable);
    expect(opened.check.version).toBeNaN();
    expect(opened.service.state().available).toBe(false);
    // What is known to be revoked stays refused as such.
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
    expect(opened.events).toMatchObject([{ type: 'outage-began', what: 'revocations from the store' }]);
    expect(JSON.stringify(opened.events)).not.toContain('secret');

    for (let time = 0; time < 20; time += 1) await opened.ring();
    expect(opened.events).toHaveLength(1);
    store.state = 'up';
    await opened.ring();
    await opened.ring();
    expect(opened.judge(token)).toBe('passed');
    expect(opened.check.version).not.toBeNaN();
    expect(opened.events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it("accepts by what is known with onUnavailable: 'accept', and reports the outage", async () => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    const opened = openRevocation(store, { clock, onUnavailable: 'accept' });
    await opened.feed.start();
    await opened.service.revokeSession({ issuer, sessionId: 's1' });
    store.state = 'down';
    for (let time = 0; time < 100; time += 1) await opened.ring();
    expect(opened.judge(tokenOf(clock, { sid: 's2' }))).toBe('passed');
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
    expect(opened.events.map(({ type }) => type)).toEqual(['outage-began']);
  });

  it.each(['reject', 'accept'] as const)('answers 503 until it was read once, also with %s', async (onUnavailable) => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    store.state = 'down';
    const opened = openRevocation(store, { clock, onUnavailable });
    await opened.service.onApplicationBootstrap();
    expect(opened.judge(tokenOf(clock))).toBe(unavailable);
    expect(opened.events.map(({ type }) => type)).toEqual(['outage-began']);
    await opened.ring();
    expect(opened.judge(tokenOf(clock))).toBe(unavailable);
    store.state = 'up';
    await opened.ring();
    expect(opened.judge(tokenOf(clock))).toBe('passed');
    expect(opened.events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it('holds the start of the app up for 5 seconds at most', async () => {
    const store = new FaultyStore();
    store.state = 'silent';
    const opened = openRevocation(store);
    let isStarted = false;
    const started = opened.service.onApplicationBootstrap().then(() => {
      isStarted = true;
    });
    await settle();
    expect(isStarted).toBe(false);
    expect(opened.timer.delayMs).toBe(5_000);
    await opened.ring();
    expect(isStarted).toBe(true);
    await started;
  });

  it.each([
    ['no page', undefined],
    ['no list', { entries: {}, cursor: '1', hasMore: false }],
    ['no cursor', { entries: [], hasMore: false }],
    ['an entry without times', { entries: [{ ...entryOf('s1'), expiresAtSeconds: '1' }], cursor: '1', hasMore: false }],
    ['a time in milliseconds', { entries: [entryOf('s1', { expiresAtSeconds: 2e12 })], cursor: '1', hasMore: false }],
    ['an entry without an id', { entries: [{ ...entryOf('s1'), value: 7 }], cursor: '1', hasMore: false }],
  ])('is one that gives %s', async (_, page) => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    store.state = { page };
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    expect(opened.judge(tokenOf(clock))).toBe(unavailable);
  });

  it('is not one that gives kinds of a later version, which concern no token here', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    store.state = { page: { entries: [{ ...entryOf('s1'), kind: 'device' }], cursor: '1', hasMore: false } };
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    expect(opened.judge(tokenOf(clock))).toBe('passed');
  });

  it('does not end in a loop when the store forgets its own cursors', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    store.state = { page: null };
    await opened.ring();
    expect(store.reads).toBeLessThan(5);
  });
});

describe('RevocationFeed', () => {
  it('starts with the first token where the app was made and not started', async () => {
    const clock = new ManualClock();
    const opened = openRevocation(null, { clock });
    expect(opened.check.version).toBeNaN();
    expect(opened.judge(tokenOf(clock))).toBe('passed');
    expect(opened.check.version).toBe(0);

    const shared = openRevocation(new MemoryRevocationStore(clock), { clock });
    expect(shared.judge(tokenOf(clock))).toBe(unavailable);
    await settle();
    expect(shared.judge(tokenOf(clock))).toBe('passed');
  });

  it('reads nothing when tokens are checked', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore();
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    const { reads } = store;
    for (let time = 0; time < 100; time += 1) opened.judge(tokenOf(clock));
    expect(store.reads).toBe(reads);
  });

  it('does not depend on how the clock of the app goes for its next reading', async () => {
    const clock = new ManualClock();
    const store = new MemoryRevocationStore(clock);
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    await store.add([entryOf('s1')]);
    // The clock stands still.
    opened.timer.ring();
    await settle();
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
    clock.advanceSeconds(-86_400);
    await store.add([entryOf('s2')]);
    opened.timer.ring();
    await settle();
    expect(opened.judge(tokenOf(clock, { sid: 's2' }))).toBe(revoked);
  });

  it('leaves no timer behind when the app stops, also while it is reading', async () => {
    const store = new FaultyStore();
    const opened = openRevocation(store);
    await opened.feed.start();
    opened.service.onModuleDestroy();
    expect(opened.timer.delayMs).toBeNull();

    const reading = openRevocation(store);
    store.state = 'silent';
    const started = reading.feed.start();
    reading.service.onModuleDestroy();
    await started;
    expect(reading.timer.delayMs).toBeNull();

    const alone = openRevocation(null);
    await alone.feed.start();
    alone.service.onModuleDestroy();
    expect(alone.timer.delayMs).toBeNull();
  });
});
