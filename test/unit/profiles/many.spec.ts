import { describe, expect, it } from 'vitest';
import type { SourcedProfile } from '../../../src/profiles/profile-source.js';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';
import { outcomeOf } from '../../support/outcome.js';

const idsTo = (count: number): string[] => Array.from({ length: count }, (_, at) => `u${at}`);
const usersTo = (count: number): Record<string, SourcedProfile> =>
  Object.fromEntries(idsTo(count).map((id) => [id, {}]));

/** A source with getMany. */
class BatchSource extends TableSource {
  readonly mostAtOnce: number = 100;
  atOnce = 0;
  mostUnderWay = 0;

  async getMany(userIds: readonly string[]): Promise<(SourcedProfile & { readonly id: string })[]> {
    this.atOnce += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.atOnce);
    await this.answer(`many ${userIds.length}`, '');
    this.atOnce -= 1;
    return userIds.flatMap((id) => (this.users[id] === undefined ? [] : [{ ...this.users[id], id }])).reverse();
  }
}

describe('getMany of several users', () => {
  it('makes one call, and returns the profiles in the order of the ids', async () => {
    const source = new BatchSource(usersTo(10));
    const { service } = openService({ joe: source });
    const found = await service.getMany(['u3', 'u1', 'unknown', 'u2', 'u3']);

    expect([...found.keys()]).toEqual(['u3', 'u1', 'u2']);
    expect([...found.values()].map(({ id }) => id)).toEqual(['u3', 'u1', 'u2']);
    expect(source.questions).toEqual(['many 4']);
  });

  it('names at most as many users per call as the source allows, in four concurrent calls', async () => {
    const source = new BatchSource(usersTo(1_050));
    const { service } = openService({ joe: source });

    expect((await service.getMany(idsTo(1_050))).size).toBe(1_050);
    expect(source.questions).toEqual([...(Array(10).fill('many 100') as string[]), 'many 50']);
    expect(source.mostUnderWay).toBe(4);
    expect(service.counters()).toMatchObject({ lookUps: 1_050, calls: 11 });
  });

  it('makes no call for cached users', async () => {
    const source = new BatchSource(usersTo(5));
    const { service } = openService({ joe: source });
    await service.get(userOf('u0'));
    await service.find('u1');
    await service.find('unknown');
    await service.getMany(['u2', 'u3']);
    const found = await service.getMany(['u0', 'u1', 'u2', 'u3', 'u4', 'unknown']);

    expect([...found.keys()]).toEqual(['u0', 'u1', 'u2', 'u3', 'u4']);
    expect(source.questions).toEqual(['get u0 by t1', 'find u1', 'find unknown', 'many 2', 'many 1']);
    expect(await service.lookUp(userOf('u4'))).toMatchObject({ freshness: 'cached' });
  });

  it('refreshes stale users by one call in the background', async () => {
    const source = new BatchSource(usersTo(50));
    const { service, clock } = openService({ joe: source });
    await service.getMany(idsTo(50));
    clock.advanceSeconds(100);
    source.hold();
    expect((await service.getMany(idsTo(50))).size).toBe(50);
    await settle();
    source.release();
    await settle();

    expect(source.questions).toEqual(['many 50', 'many 50']);
    expect(service.counters()).toMatchObject({ stale: 50 });
    await service.getMany(idsTo(50));
    expect(service.counters()).toMatchObject({ hits: 50 });
  });

  it('shares its calls with concurrent look-ups of single users', async () => {
    const source = new BatchSource(usersTo(3));
    const { service } = openService({ joe: source });
    source.hold();
    const first = service.getMany(idsTo(3));
    await settle();
    const later = [service.find('u1'), service.getMany(['u2', 'u0'])];
    source.release();
    await Promise.all([first, ...later]);

    expect(source.questions).toEqual(['many 3']);
  });

  it('makes one call per user for a source without getMany, eight concurrently', async () => {
    let underWay = 0;
    let most = 0;
    const source = new TableSource();
    source.find = async (id) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return id === 'u7' ? null : {};
    };
    const { service } = openService({ joe: source });

    expect((await service.getMany(idsTo(100))).size).toBe(99);
    expect(most).toBe(8);
  });

  it('fails when one of the profiles cannot be looked up', async () => {
    const source = new TableSource({ u0: {}, u1: { displayName: 7 as unknown as string } });
    const { service } = openService({ joe: source });

    expect(await outcomeOf(service.getMany(['u0', 'u1']))).toBe('SERVER_ERROR');
    expect(await outcomeOf(service.getMany(['u0']))).toBe('accepted');
  });

  it('makes no call for an empty list', async () => {
    const source = new BatchSource();
    const { service } = openService({ joe: source });

    expect((await service.getMany([])).size).toBe(0);
    expect(source.questions).toEqual([]);
  });

  it('omits profiles that the source returned for other users', async () => {
    const source = new BatchSource({ u0: {} });
    source.getMany = async () => [{ id: 'u0' }, { id: 'u9', displayName: 'a stranger' }];
    const { service } = openService({ joe: source });

    expect([...(await service.getMany(['u0', 'u1'])).keys()]).toEqual(['u0']);
  });

  it('lets find work with a source that has only getMany', async () => {
    const source = new BatchSource({ u0: { displayName: 'Zero' } });
    const batchOnly = { get: source.get.bind(source), getMany: source.getMany.bind(source) };
    const { service } = openService({ joe: batchOnly });

    expect(await service.find('u0')).toMatchObject({ displayName: 'Zero' });
    expect(await service.find('u1')).toBeNull();
  });
});
