/** The contract of stores, which the package exports for apps' own, run by those that are here. */
import type { RevocationEntry } from 'nest-gatehouse';
import { describeRevocationStore, MemoryRevocationStore } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock/clock.js';
import { SqlRevocationStore } from '../../src/sql/sql-revocation-store.js';
import { openEmbedded, openPostgres } from '../support/store-database.js';
import { it as slowIt, onPostgres } from '../support/store-runner.js';
import { TransactionalStore } from '../unit/revocation/stores.js';

describeRevocationStore('in memory', () => ({ store: new MemoryRevocationStore() }), { describe, it });
describeRevocationStore('with transactions and one entry a page', () => ({ store: new TransactionalStore() }), {
  describe,
  it,
});

describeRevocationStore(
  'in PGlite',
  async () => ({ store: new SqlRevocationStore((await openEmbedded()).database, new SystemClock()) }),
  { describe, it: slowIt },
);
describeRevocationStore(
  'in PostgreSQL',
  async () => {
    const { database, close } = await openPostgres();
    return { store: new SqlRevocationStore(database, new SystemClock()), close };
  },
  onPostgres,
);

describe('describeRevocationStore', () => {
  it('finds the functions of a runner in the global object, as Jest has them', async () => {
    const titles: string[] = [];
    const tests: (() => Promise<void>)[] = [];
    const closed: string[] = [];
    const runner = {
      describe: (title: string, define: () => void) => {
        titles.push(title);
        define();
      },
      it: (title: string, test: () => Promise<void>) => {
        titles.push(title);
        tests.push(test);
      },
    };
    Object.assign(globalThis, runner);
    try {
      describeRevocationStore('of an app', () => ({
        store: new MemoryRevocationStore(),
        close: () => closed.push('closed'),
      }));
    } finally {
      for (const name of Object.keys(runner)) Reflect.deleteProperty(globalThis, name);
    }
    expect(titles.slice(0, 2)).toEqual(['the RevocationStore of an app', 'is empty at first']);
    for (const test of tests) await test();
    expect(closed).toHaveLength(tests.length);
  });

  it('says so where there are none', () => {
    expect(() => {
      describeRevocationStore('of an app', () => ({ store: new MemoryRevocationStore() }));
    }).toThrow(TypeError);
  });

  it('fails a store that leaves an entry out', async () => {
    class LossyStore extends MemoryRevocationStore {
      override async add(entries: readonly RevocationEntry[]): Promise<void> {
        await super.add(entries.filter(({ value }) => value !== 'concurrent-7'));
      }
    }
    const tests = new Map<string, () => Promise<void>>();
    describeRevocationStore('broken', () => ({ store: new LossyStore() }), {
      describe: (_, define) => {
        define();
      },
      it: (title, test) => tests.set(title, test),
    });
    await expect(tests.get('leaves nothing out that is added while it is read')?.()).rejects.toThrow();
  });
});
