import { describe, expect, it } from 'vitest';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';

describe('a profile', () => {
  it('is fetched once in the time for which it is fresh', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    expect(await service.lookUp(userOf('alice'))).toMatchObject({
      freshness: 'fresh',
      profile: { displayName: 'Alice' },
    });
    clock.advanceSeconds(59.999);

    expect(await service.lookUp(userOf('alice'))).toEqual({
      freshness: 'cached',
      profile: expect.objectContaining({ id: 'alice', displayName: 'Alice' }) as unknown,
      askedAt: new Date('2026-01-01T00:00:00Z'),
    });
    expect(source.questions).toHaveLength(1);
  });

  it('that is stale is used at once, and new at the next look-up', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    clock.advanceSeconds(60);
    source.users['alice'] = { displayName: 'Alicia' };
    source.hold();

    const stale = await Promise.all(Array.from({ length: 100 }, () => service.lookUp(userOf('alice'))));
    expect(new Set(stale.map(({ freshness, profile }) => `${freshness} ${String(profile.displayName)}`))).toEqual(
      new Set(['stale Alice']),
    );
    expect(source.questions).toHaveLength(2);
    source.release();
    await settle();
    expect(await service.lookUp(userOf('alice'))).toMatchObject({
      freshness: 'cached',
      profile: { displayName: 'Alicia' },
      askedAt: new Date('2026-01-01T00:01:00Z'),
    });
    expect(source.questions).toHaveLength(2);
  });

  it('that is too old is fetched before the look-up returns', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    clock.advanceSeconds(660);
    source.users['alice'] = { displayName: 'Alicia' };

    expect(await service.lookUp(userOf('alice'))).toMatchObject({
      freshness: 'fresh',
      profile: { displayName: 'Alicia' },
    });
  });

  it('is refreshed with the token of the current look-up', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice', { token: 'old' }));
    await service.get(userOf('alice', { token: 'new' }));
    expect(source.questions).toEqual(['get alice by old']);
    clock.advanceSeconds(100);
    await service.get(userOf('alice', { token: 'new' }));

    expect(source.questions).toEqual(['get alice by old', 'get alice by new']);
  });

  it("has the lifetimes of the app's options", async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source }, { freshForSeconds: 5, staleForSeconds: 5 });
    const freshnessAfter = async (seconds: number): Promise<string> => {
      clock.advanceSeconds(seconds);
      const { freshness } = await service.lookUp(userOf('alice'));
      await settle();
      return freshness;
    };

    expect(await freshnessAfter(0)).toBe('fresh');
    expect(await freshnessAfter(4)).toBe('cached');
    expect(await freshnessAfter(1)).toBe('stale');
    expect(await freshnessAfter(4)).toBe('cached');
    expect(await freshnessAfter(6)).toBe('fresh');
  });

  it('is fetched again when the clock was set back', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    clock.advanceSeconds(-3_600);

    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'fresh' });
  });
});

describe('a profile is never used for another one', () => {
  it('of another user', async () => {
    const source = new TableSource({ alice: { displayName: 'Alice' }, bob: { displayName: 'Bob' } });
    const { service } = openService({ joe: source });
    const users = ['alice', 'bob', 'alice', 'bob'].map((id) => service.get(userOf(id, { token: 'shared' })));

    expect((await Promise.all(users)).map(({ displayName }) => displayName)).toEqual(['Alice', 'Bob', 'Alice', 'Bob']);
  });

  it('of another issuer, even with the same id', async () => {
    const [one, other] = [
      new TableSource({ alice: { displayName: 'One' } }),
      new TableSource({ alice: { displayName: 'Other' } }),
    ];
    const { service } = openService({ joe: one, jim: other });
    await service.get(userOf('alice', { issuer: 'joe' }));

    expect(await service.get(userOf('alice', { issuer: 'jim' }))).toMatchObject({ displayName: 'Other' });
    expect(await service.get(userOf('alice', { issuer: 'joe' }))).toMatchObject({ displayName: 'One' });
  });

  it('when the parts of their keys concatenate to the same text', async () => {
    const one = new TableSource({ 'b","c': { displayName: 'One' }, c: { displayName: 'None' } }, 'a');
    const other = new TableSource({ c: { displayName: 'Other' } }, 'a","b');
    const { service } = openService({ joe: one, jim: other });
    await service.get(userOf('b","c', { issuer: 'joe' }));

    expect(await service.get(userOf('c', { issuer: 'jim' }))).toMatchObject({ displayName: 'Other' });
  });

  it("and a source that returns another user's profile causes a fault", async () => {
    const source = new TableSource({ alice: { id: 'bob', displayName: 'Bob' } });
    const { service, events } = openService({ joe: source });

    const error = await errorOf(service.get(userOf('alice')));
    expect(error).toMatchObject({
      code: 'SERVER_ERROR',
      explanation: expect.stringContaining('a profile with an invalid id') as unknown,
    });
    expect(events).toMatchObject([{ type: 'outage-began' }]);
  });
});

describe('a user who does not exist', () => {
  it('is refused as revoked, and not looked up again for ten seconds', async () => {
    const source = new TableSource({});
    const { service, clock } = openService({ joe: source });
    for (let second = 0; second < 10; second += 1) {
      expect(await outcomeOf(service.get(userOf('alice')))).toBe('INVALID_TOKEN revoked');
      clock.advanceSeconds(1);
    }
    expect(source.questions).toHaveLength(1);
    source.users['alice'] = { displayName: 'Alice' };

    expect(await service.get(userOf('alice'))).toMatchObject({ displayName: 'Alice' });
  });

  it('is refused after the refresh that found out', async () => {
    const source = new TableSource();
    const { service, clock } = openService({ joe: source });
    await service.get(userOf('alice'));
    source.users['alice'] = undefined;
    clock.advanceSeconds(60);
    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'stale' });
    await settle();

    expect(await outcomeOf(service.get(userOf('alice')))).toBe('INVALID_TOKEN revoked');
  });

  it('is null for find, and omitted by getMany', async () => {
    const { service } = openService({ joe: new TableSource() });

    expect(await service.find('bob')).toBeNull();
    expect([...(await service.getMany(['bob', 'alice'])).keys()]).toEqual(['alice']);
  });

  it('includes one for whom a source returns undefined', async () => {
    const users = new Map([['alice', { displayName: 'Alice' }]]);
    const source = { get: ({ id }: { id: string }) => users.get(id) as never };
    const { service } = openService({ joe: source });

    expect(await outcomeOf(service.get(userOf('bob')))).toBe('INVALID_TOKEN revoked');
  });
});

describe('a disabled user', () => {
  const findReason = ({ raw }: { raw: Readonly<Record<string, unknown>> }) =>
    raw['locked'] === true ? 'The user is locked' : undefined;

  it.each([
    ['findDisabledReason', { findDisabledReason: findReason }],
    ['findBar, its name before 0.2', { findBar: findReason }],
  ])('is refused at each look-up by get, and found by find: %s', async (_, members) => {
    const table = new TableSource({ alice: { raw: { locked: true } }, bob: { raw: { locked: false } } });
    const source = Object.assign(table, members);
    const { service } = openService({ joe: source });

    for (let time = 0; time < 2; time += 1) {
      expect(await errorOf(service.get(userOf('alice')))).toMatchObject({
        reason: 'revoked',
        explanation: 'The user is locked',
      });
    }
    expect(await service.find('alice')).toMatchObject({ raw: { locked: true } });
    expect(await service.get(userOf('bob'))).toMatchObject({ raw: { locked: false } });
    expect(source.questions).toEqual(['get alice by t1', 'get bob by t1']);
  });
});

describe('the memory', () => {
  it('has the configured number of users, and removes the least recently used one', async () => {
    const source = new TableSource({ a: {}, b: {}, c: {} });
    const { service } = openService({ joe: source }, { maxEntries: 2 });
    for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) await service.find(id);

    expect(source.questions).toEqual(['find a', 'find b', 'find c', 'find b']);
  });

  it('removes expired profiles without a look-up', async () => {
    const { service, clock, timer } = openService({ joe: new TableSource() });
    expect(timer.delayMs).toBeNull();
    await service.get(userOf('alice'));
    expect(timer.delayMs).toBe(60_000);
    timer.ring();
    expect(timer.delayMs).toBe(60_000);
    clock.advanceSeconds(661);
    timer.ring();

    // No timer is set any more.
    expect(timer.delayMs).toBeNull();
  });

  it('is cleared, and its timer stopped, when the app stops', async () => {
    const source = new TableSource();
    const { service, timer } = openService({ joe: source });
    await service.get(userOf('alice'));
    service.onModuleDestroy();

    expect(timer.delayMs).toBeNull();
    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'fresh' });
  });
});

describe('with cache: false', () => {
  it('each look-up calls the provider', async () => {
    const source = new TableSource();
    const { service } = openService({ joe: source }, { cache: false });
    for (let time = 0; time < 3; time += 1) {
      expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'fresh' });
    }
    source.users['alice'] = undefined;
    expect(await outcomeOf(service.get(userOf('alice')))).toBe('INVALID_TOKEN revoked');
    expect(await outcomeOf(service.get(userOf('alice')))).toBe('INVALID_TOKEN revoked');

    expect(source.questions).toHaveLength(5);
    expect(service.counters()).toMatchObject({ lookUps: 5, hits: 0, stale: 0, calls: 5 });
  });
});
