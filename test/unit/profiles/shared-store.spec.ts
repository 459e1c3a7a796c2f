import { Keyv } from 'keyv';
import { describe, expect, it } from 'vitest';
import type { ProfileStore } from '../../../src/profiles/shared-store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';
import { outcomeOf } from '../../support/outcome.js';

/** A store that behaves as the test configures it, and counts calls. */
class HandStore implements ProfileStore {
  readonly entries = new Map<string, string>();
  readonly ttls: number[] = [];
  gets = 0;
  trouble: 'none' | 'throws' | 'rejects' | 'hangs' | 'says false' = 'none';

  get(key: string): unknown {
    this.gets += 1;
    return this.act(() => this.entries.get(key), undefined);
  }

  set(key: string, value: string, ttlMs: number): unknown {
    return this.act(() => {
      this.entries.set(key, value);
      this.ttls.push(ttlMs);
      return true;
    }, false);
  }

  delete(key: string): unknown {
    return this.act(() => this.entries.delete(key), false);
  }

  private act(work: () => unknown, refused: unknown): unknown {
    switch (this.trouble) {
      case 'none':
        return Promise.resolve(work());
      case 'throws':
        throw new Error('redis://user:secret@host is away');
      case 'rejects':
        return Promise.reject(new Error('redis://user:secret@host is away'));
      case 'hangs':
        return new Promise(() => undefined);
      case 'says false':
        return Promise.resolve(refused);
    }
  }
}

/** Two instances of an app with the same clock and store. */
function openTwo(store: ProfileStore) {
  const clock = new ManualClock();
  const source = new TableSource({ alice: { displayName: 'Alice', signedUpAt: new Date(7) }, bob: {} });
  const open = () => openService({ joe: source }, { store }, clock);
  return { source, clock, one: open(), other: open() };
}

describe('instances with a shared store', () => {
  it.each([
    ['a Keyv', () => new Keyv()],
    ['an object with its methods', () => new HandStore()],
  ])('make one call together: %s', async (_, make) => {
    const { one, other, source } = openTwo(make());
    await one.service.get(userOf('alice'));
    await settle();
    const { profile, freshness, askedAt } = await other.service.lookUp(userOf('alice'));

    expect(freshness).toBe('cached');
    expect(profile).toMatchObject({ displayName: 'Alice', signedUpAt: new Date(7) });
    expect(askedAt).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(source.questions).toHaveLength(1);
    expect(other.service.counters()).toMatchObject({ lookUps: 1, hits: 1, calls: 0 });
  });

  it('share the answer that a user does not exist', async () => {
    const { one, other, source, clock } = openTwo(new HandStore());
    expect(await one.service.find('unknown')).toBeNull();
    await settle();
    expect(await other.service.find('unknown')).toBeNull();
    expect(source.questions).toHaveLength(1);
    clock.advanceSeconds(10);
    await other.service.find('unknown');

    expect(source.questions).toHaveLength(2);
  });

  it("count a profile's age from its fetch by either instance", async () => {
    const { one, other, source, clock } = openTwo(new HandStore());
    await one.service.get(userOf('alice'));
    clock.advanceSeconds(59);
    expect(await other.service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'cached' });
    clock.advanceSeconds(1);
    expect(await other.service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
    await settle();
    expect(source.questions).toHaveLength(2);
    // A refresh by the other instance counts for this one as well.
    expect(await one.service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
    await settle();
    expect(await one.service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'cached' });
    expect(source.questions).toHaveLength(2);
  });

  it('use a stale profile of the store at once, and refresh it', async () => {
    const { one, other, source, clock } = openTwo(new HandStore());
    await one.service.get(userOf('alice'));
    clock.advanceSeconds(100);
    source.users['alice'] = { displayName: 'Alicia' };
    const looks = await Promise.all(Array.from({ length: 100 }, () => other.service.lookUp(userOf('alice'))));
    await settle();

    expect(new Set(looks.map(({ freshness }) => freshness))).toEqual(new Set(['stale']));
    expect(await other.service.get(userOf('alice'))).toMatchObject({ displayName: 'Alicia' });
    expect(source.questions).toHaveLength(2);
  });

  it('write a profile for as long as it may be used', async () => {
    const store = new HandStore();
    const { one } = openTwo(store);
    await one.service.get(userOf('alice'));
    await one.service.find('unknown');
    await settle();

    expect(store.ttls).toEqual([660_000, 10_000]);
  });

  it('read several users by one call', async () => {
    const questions: string[][] = [];
    class ManyStore extends HandStore {
      getMany(keys: string[]): unknown {
        questions.push(keys);
        return Promise.resolve(keys.map((key) => this.entries.get(key)));
      }
    }
    const store = new ManyStore();
    const { one, other, source } = openTwo(store);
    await one.service.getMany(['alice', 'bob']);
    await settle();
    const found = await other.service.getMany(['alice', 'unknown', 'bob']);

    expect([...found.keys()]).toEqual(['alice', 'bob']);
    expect(questions.map(({ length }) => length)).toEqual([2, 3]);
    expect(source.questions).toEqual(['find alice', 'find bob', 'find unknown']);
    expect(store.gets).toBe(0);
  });
});

describe('a forgotten user', () => {
  it('is removed from the store', async () => {
    const store = new HandStore();
    const { one, other, source } = openTwo(store);
    await one.service.get(userOf('alice'));
    await settle();
    one.service.forget('alice');
    await settle();
    expect(store.entries.size).toBe(0);
    await other.service.get(userOf('alice'));

    expect(source.questions).toHaveLength(2);
  });

  it.each(['hangs', 'rejects'] as const)('is ignored in a store that %s at the deletion', async (trouble) => {
    const store = new HandStore();
    const { one, source, clock } = openTwo(store);
    await one.service.get(userOf('alice'));
    await settle();
    store.trouble = trouble;
    one.service.forget('alice');
    source.users['alice'] = { displayName: 'Alicia' };
    store.trouble = 'none';
    clock.advanceSeconds(5);

    expect(await one.service.get(userOf('alice'))).toMatchObject({ displayName: 'Alicia' });
  });
});

describe.each(['throws', 'rejects', 'hangs', 'says false'] as const)('a store that %s', (trouble) => {
  it('fails no look-up, and is reported once', async () => {
    const store = new HandStore();
    const { one, source } = openTwo(store);
    store.trouble = trouble;
    for (let look = 0; look < 20; look += 1) {
      one.service.forget('alice');
      expect(await one.service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'fresh' });
    }
    await expect.poll(() => one.events).toHaveLength(1);

    expect(one.events).toEqual([
      {
        type: 'outage-began',
        what: 'profiles out of the store',
        problem: trouble === 'hangs' ? 'it did not answer within 250 ms' : 'it failed',
        consequence: 'Until it answers, each instance of the app keeps profiles for itself',
      },
    ]);
    expect(source.questions).toHaveLength(20);
  });

  it('is used again when it works, which is reported', async () => {
    const store = new HandStore();
    const { one, other, clock, source } = openTwo(store);
    store.trouble = trouble;
    await one.service.get(userOf('alice'));
    await expect.poll(() => one.events).toHaveLength(1);
    store.trouble = 'none';
    clock.advanceSeconds(30);
    await one.service.get(userOf('bob'));
    await settle();
    await other.service.get(userOf('bob'));

    expect(one.events[1]).toEqual({ type: 'outage-ended', what: 'profiles out of the store', lastedSeconds: 30 });
    expect(source.questions).toEqual(['get alice by t1', 'get bob by t1']);
  });
});

describe('a store that hangs', () => {
  it('makes one look-up in five seconds wait for a quarter of a second', async () => {
    const store = new HandStore();
    const { one } = openTwo(store);
    store.trouble = 'hangs';
    const before = performance.now();
    await one.service.get(userOf('alice'));
    expect(performance.now() - before).toBeGreaterThan(240);
    for (let look = 0; look < 100; look += 1) await one.service.find(`u${look}`);

    expect(performance.now() - before).toBeLessThan(1_000);
    expect(store.gets).toBe(1);
  });
});

describe('a record of another writer', () => {
  it.each([
    ['is not JSON', (): string => '{"version":1'],
    ['is of another user', (stored: string): string => stored.replaceAll('alice', 'bob')],
    ['is from the future', (stored: string): string => stored.replace(/"askedAt":\d+/, '"askedAt":9999999999999')],
    ['is too old', (stored: string): string => stored.replace(/"askedAt":\d+/, '"askedAt":1')],
  ])('that %s is ignored', async (_, spoil) => {
    const store = new HandStore();
    const { one, other, source } = openTwo(store);
    await one.service.get(userOf('alice'));
    await settle();
    for (const [name, value] of store.entries) store.entries.set(name, spoil(value));

    expect(await other.service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'fresh' });
    expect(source.questions).toHaveLength(2);
    expect(await outcomeOf(other.service.get(userOf('alice')))).toBe('accepted');
  });

  it('that is a few seconds ahead counts as of now', async () => {
    const store = new HandStore();
    const clock = new ManualClock();
    const source = new TableSource();
    const ahead = new ManualClock();
    ahead.advanceSeconds(4);
    await openService({ joe: source }, { store }, ahead).service.get(userOf('alice'));
    await settle();
    const { askedAt, freshness } = await openService({ joe: source }, { store }, clock).service.lookUp(userOf('alice'));

    expect({ askedAt, freshness }).toEqual({ askedAt: clock.now(), freshness: 'cached' });
  });
});
