/** What revocations in PostgreSQL do beyond the contract of their port: late commits, any text, many at once. */
import { Client } from 'pg';
import { afterEach, describe, expect } from 'vitest';
import type { RevocationEntry } from '../../src/revocation/revocation-store.js';
import { SqlRevocationStore } from '../../src/sql/sql-revocation-store.js';
import type { StoreDatabase } from '../../src/sql/store-database.js';
import { postgresUrl } from '../support/postgres.js';
import { clock, entryOf, expiresAtSeconds, issuer, readAll } from '../support/some-revocations.js';
import { openPostgres } from '../support/store-database.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openDatabase(): Promise<{ database: StoreDatabase; schema: string }> {
  const { database, schema, close } = await openPostgres();
  cleanups.push(close);
  return { database, schema };
}

describe('revocations', () => {
  it('are read when they are committed late, after others that were added later', async () => {
    const { database, schema } = await openDatabase();
    const store = new SqlRevocationStore(database, clock);
    const late = new Client({ connectionString: postgresUrl });
    await late.connect();
    cleanups.push(() => late.end());
    await late.query('begin');
    await late.query(
      `insert into ${schema}.revocations (key, kind, issuer, value, expires_at, xid)
      values ('\\x01', 'session', $1, 'late', to_timestamp($2), pg_current_xact_id())`,
      [issuer, expiresAtSeconds],
    );
    let { cursor } = await readAll(store);
    for (const value of ['one', 'two', 'three']) {
      await store.add([entryOf(value)]);
      const read = await readAll(store, cursor);
      expect(read.entries).toContainEqual(entryOf(value));
      expect(read.entries).not.toContainEqual(entryOf('late'));
      ({ cursor } = read);
    }
    await late.query('commit');
    expect((await readAll(store, cursor)).entries).toContainEqual(entryOf('late'));
  });

  it('are read when they are committed between two pages, before the row that was read last', async () => {
    const { database } = await openDatabase();
    const store = new SqlRevocationStore(database, clock);
    await store.add([entryOf('renewed', { kind: 'user', issuedUntilSeconds: 1 })]);
    await store.add(Array.from({ length: 1_500 }, (_, at) => entryOf(`many-${at}`)));
    const first = await store.snapshot();
    expect(first.hasMore).toBe(true);
    // The row moves from the first page behind the second one.
    const renewed = entryOf('renewed', { kind: 'user', issuedUntilSeconds: 2 });
    await store.add([renewed]);
    const rest = await readAll(store, first.cursor);
    expect([...first.entries, ...rest.entries]).toContainEqual(renewed);
    expect((await readAll(store, rest.cursor)).entries.length).toBeLessThan(1_502);
  });

  it('are not read again when nothing was added', async () => {
    const { database } = await openDatabase();
    const store = new SqlRevocationStore(database, clock);
    await store.add([entryOf('a')]);
    let { cursor } = await readAll(store);
    const readAgain = async (): Promise<RevocationEntry[]> => {
      const read = await readAll(store, cursor);
      ({ cursor } = read);
      return read.entries;
    };
    // Transactions of other tests on the same server may hold the cursor back for a moment.
    await expect.poll(readAgain, { timeout: 20_000 }).toEqual([]);
    await store.add([entryOf('a')]);
    await store.add([entryOf('a', { expiresAtSeconds: expiresAtSeconds - 10 })]);
    expect(await readAgain()).toEqual([]);
    await store.add([entryOf('a', { expiresAtSeconds: expiresAtSeconds + 10 })]);
    expect(await readAgain()).toEqual([entryOf('a', { expiresAtSeconds: expiresAtSeconds + 10 })]);
  });

  it('are read from the beginning when the database was replaced by an older one', async () => {
    const store = new SqlRevocationStore((await openDatabase()).database, clock);
    expect(await store.changesSince('9000000000000000000')).toBeNull();
    expect(await store.changesSince('9000000000000000000:9000000000000000000:1')).toBeNull();
    for (const cursor of ['', '-1', '1:2', '1:2:3:4', '1 ', '١', '12345678901234567890']) {
      expect(await store.changesSince(cursor)).toBeNull();
    }
  });

  it('keep any text, and two kinds of entries for one user apart', async () => {
    const store = new SqlRevocationStore((await openDatabase()).database, clock);
    const values = ['\0', 'a\0b', '\\0', '\\u0000', '\\', '\\\\', '\ud800', '\udc00x', '\ufffd', '€'.repeat(20_000)];
    const entries = [
      ...values.map((value) => entryOf(value)),
      ...values.map((value) => entryOf('x', { issuer: value })),
      entryOf('u', { kind: 'user', issuedUntilSeconds: 5 }),
      entryOf('u', { kind: 'user', issuedUntilSeconds: null }),
      entryOf('bc', { issuer: 'a' }),
      entryOf('c', { issuer: 'ab' }),
    ];
    await store.add(entries);
    const textOf = (read: readonly RevocationEntry[]) => read.map((entry) => JSON.stringify(entry)).sort();
    expect(textOf((await readAll(store)).entries)).toEqual(textOf(entries));
  });

  it('keep the later times of two entries, whatever the order', async () => {
    const store = new SqlRevocationStore((await openDatabase()).database, clock);
    const user = (value: string, issuedUntilSeconds: number, seconds: number): RevocationEntry =>
      entryOf(value, { kind: 'user', issuedUntilSeconds, expiresAtSeconds: expiresAtSeconds + seconds });
    await store.add([user('a', 10, 1), user('b', 20, 0)]);
    await store.add([user('a', 20, 0), user('b', 10, 1)]);
    expect(
      (await readAll(store)).entries.map(({ issuedUntilSeconds, expiresAtSeconds: at }) => [issuedUntilSeconds, at]),
    ).toEqual([
      [20, expiresAtSeconds + 1],
      [20, expiresAtSeconds + 1],
    ]);
  });

  it('are added by many at once without a deadlock', async () => {
    const { database } = await openDatabase();
    const store = new SqlRevocationStore(database, clock);
    const entries = Array.from({ length: 200 }, (_, at) => entryOf(`value-${at}`));
    await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        store.add(
          (at % 2 === 0 ? entries : entries.toReversed()).map((entry) => ({
            ...entry,
            expiresAtSeconds: expiresAtSeconds + at,
          })),
        ),
      ),
    );
    expect((await readAll(store)).entries.every(({ expiresAtSeconds: at }) => at === expiresAtSeconds + 9)).toBe(true);
  });
});
