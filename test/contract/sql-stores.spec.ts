/** What the stores in PostgreSQL do beyond the contracts of their ports: across statements, pools and transactions. */
import { afterEach, describe, expect } from 'vitest';
import type { NewSession, SessionEnding } from '../../src/sessions/session-store.js';
import { postgres } from '../../src/sql/postgres.js';
import { SqlMaintenance } from '../../src/sql/sql-maintenance.js';
import { SqlRevocationStore } from '../../src/sql/sql-revocation-store.js';
import { SqlSessionStore } from '../../src/sql/sql-session-store.js';
import type { StoreDatabase } from '../../src/sql/store-database.js';
import { clock, entryOf, expiresAtSeconds, inSeconds, issuer, now, readAll } from '../support/some-revocations.js';
import { ManualTimer } from '../support/manual-timer.js';
import { postgresUrl, runSql } from '../support/postgres.js';
import { createDatabase, openEmbedded, openPostgres } from '../support/store-database.js';
import { it as embeddedIt, onPostgres } from '../support/store-runner.js';

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

const idOf = (number: number): string => `01950000-0000-7000-8000-${String(number).padStart(12, '0')}`;

const newSession = (number: number, parts: Partial<NewSession> = {}): NewSession => ({
  id: idOf(number),
  userId: 'user',
  seed: Buffer.alloc(16, number),
  createdAt: now,
  authTime: now,
  amr: ['pwd'],
  login: null,
  delivery: null,
  remember: true,
  userAgent: null,
  ipAddress: null,
  idleExpiresAt: inSeconds(1_000),
  absoluteExpiresAt: inSeconds(10_000),
  removeAfter: inSeconds(20_000),
  ...parts,
});

const rotationOf = (generation: number) => ({
  generation,
  replacements: Array.from({ length: Math.min(generation, 50) }, (_, at) => ({ generation: at, at: now })),
  lastUsedAt: inSeconds(1 + generation),
  idleExpiresAt: inSeconds(2_000 + generation),
  removeAfter: inSeconds(20_000),
});

const ending: SessionEnding = { endedAt: now, reason: 'ended', revocation: { issuer, expiresAtSeconds } };

async function recordsEnds(database: StoreDatabase): Promise<void> {
  const sessions = new SqlSessionStore(database, true);
  const revocations = new SqlRevocationStore(database, clock);
  for (const number of [1, 2, 3, 4]) await sessions.create(newSession(number));
  await sessions.end(idOf(1), ending);
  await sessions.end(idOf(1), { ...ending, revocation: { issuer: 'https://again', expiresAtSeconds } });
  await sessions.endAll('user', ending, idOf(4), 100);
  await sessions.create(newSession(5), { id: idOf(4), ending });
  await sessions.create(newSession(6), { id: idOf(4), ending });
  const { entries } = await readAll(revocations);
  expect(entries.toSorted((a, b) => (a.value < b.value ? -1 : 1))).toEqual([1, 2, 3, 4].map((at) => entryOf(idOf(at))));
  // What the service of the app adds as well is the same entry, and no change.
  await revocations.add([entryOf(idOf(1))]);
  expect((await readAll(revocations)).entries).toHaveLength(4);
}

describe('a session that ends', () => {
  it('is revoked in the same statement, in PostgreSQL', async () => {
    await recordsEnds((await openDatabase()).database);
  });

  embeddedIt('is revoked in the same statement, in PGlite', async () => {
    await recordsEnds((await openEmbedded()).database);
  });

  it('leaves no revocation where the app keeps them elsewhere', async () => {
    const { database } = await openDatabase();
    const sessions = new SqlSessionStore(database, false);
    await sessions.create(newSession(1));
    await sessions.create(newSession(2), { id: idOf(1), ending });
    await sessions.end(idOf(2), ending);
    expect((await readAll(new SqlRevocationStore(database, clock))).entries).toEqual([]);
  });
});

describe('a rotation', () => {
  it('succeeds for one of 100 calls at once over four pools', async () => {
    const { schema } = await openDatabase();
    const stores = Array.from({ length: 4 }, () => {
      const { database } = createDatabase(postgres(postgresUrl, { maxConnections: 5 }), { schema });
      cleanups.push(() => database.close());
      return new SqlSessionStore(database, true);
    });
    await stores[0]?.create(newSession(1));
    for (const generation of [0, 1, 2, 3, 4]) {
      const calls = Array.from({ length: 25 }, () =>
        stores.map((store) => store.rotate(idOf(1), rotationOf(generation))),
      );
      const results = await Promise.all(calls.flat());
      expect(results.filter((succeeded) => succeeded)).toHaveLength(1);
    }
  });

  it('loses against an end at the same time, or comes before it', async () => {
    const { database } = await openDatabase();
    const sessions = new SqlSessionStore(database, true);
    for (let number = 1; number <= 30; number += 1) {
      await sessions.create(newSession(number));
      const [rotated] = await Promise.all([
        sessions.rotate(idOf(number), rotationOf(0)),
        sessions.end(idOf(number), ending),
      ]);
      const session = await sessions.find(idOf(number));
      expect(session?.endedAt).toEqual(now);
      expect(session?.generation).toBe(rotated ? 1 : 0);
      expect(await sessions.rotate(idOf(number), rotationOf(session?.generation ?? 0))).toBe(false);
    }
  });

  it('writes no index', async () => {
    const { database, schema } = await openDatabase();
    const sessions = new SqlSessionStore(database, true);
    await sessions.create(newSession(1, { login: { provider: 'corp', subject: 'anna', sessionId: 's1' } }));
    // So few versions of one row fit on its page, also where an open transaction of another test keeps the old ones.
    for (let generation = 0; generation < 8; generation += 1) await sessions.rotate(idOf(1), rotationOf(generation));
    // The server publishes its counts when a connection ends.
    await database.close();
    const counts = (): Promise<unknown> =>
      runSql(
        `select n_tup_upd::int as updates, n_tup_hot_upd::int as hot from pg_stat_user_tables
        where schemaname = $1 and relname = 'sessions'`,
        [schema],
      );
    await expect.poll(counts).toEqual([{ updates: 8, hot: 8 }]);
  });
});

describe('maintenance', () => {
  it('deletes sessions that may be removed and revocations that expired more than five minutes ago', async () => {
    const { database, schema } = await openDatabase();
    const sessions = new SqlSessionStore(database, true);
    const revocations = new SqlRevocationStore(database, clock);
    await runSql(
      `insert into ${schema}.sessions (id, user_id, seed, created_at, auth_time, amr, remember, last_used_at,
        idle_expires_at, absolute_expires_at, remove_after)
      select gen_random_uuid(), 'many', '\\x00', $1, $1, '[]', true, $1, $1, $1, $1 from generate_series(1, 2500)`,
      [inSeconds(-1)],
    );
    await sessions.create(newSession(1));
    const seconds = now.getTime() / 1_000;
    await revocations.add([
      entryOf('gone', { expiresAtSeconds: seconds - 301 }),
      entryOf('kept a while', { expiresAtSeconds: seconds - 299 }),
      entryOf('valid'),
    ]);
    expect((await readAll(revocations)).entries).toEqual([entryOf('valid')]);

    const timer = new ManualTimer();
    const maintenance = new SqlMaintenance({ stores: [sessions, revocations], clock, timer });
    maintenance.start();
    expect(timer.delayMs).toBeGreaterThanOrEqual(300_000);
    expect(timer.delayMs).toBeLessThanOrEqual(360_000);
    const countSessions = async (): Promise<unknown> => {
      const [row] = await runSql(`select count(*)::int as number from ${schema}.sessions`);
      return row?.['number'];
    };
    // After each statement the job makes a pause, so that requests do not wait for it.
    for (let left = 2_501; left > 101; left -= 200) {
      expect(await countSessions()).toBe(left);
      timer.ring();
      await expect.poll(() => timer.delayMs).toBeGreaterThan(0);
      expect(timer.delayMs).toBeLessThan(300_000);
    }
    timer.ring();
    await expect.poll(() => timer.delayMs).toBeGreaterThanOrEqual(300_000);
    expect(await runSql(`select id from ${schema}.sessions`)).toEqual([{ id: idOf(1) }]);
    expect(await runSql(`select value from ${schema}.revocations order by 1`)).toEqual([
      { value: 'kept a while' },
      { value: 'valid' },
    ]);
    await maintenance.stop();
    expect(timer.delayMs).toBeNull();
  });

  it('stops in the middle of a pause, and begins no further statement', async () => {
    const timer = new ManualTimer();
    const { database } = await openDatabase();
    const sessions = new SqlSessionStore(database, true);
    for (const number of Array.from({ length: 201 }, (_, at) => at)) {
      await sessions.create(newSession(number, { removeAfter: inSeconds(-1) }));
    }
    const maintenance = new SqlMaintenance({ stores: [sessions], clock, timer });
    const purged = maintenance.purge();
    await expect.poll(() => timer.delayMs).toBeGreaterThan(0);
    await maintenance.stop();
    await purged;
    expect(timer.delayMs).toBeNull();
    expect(await sessions.purge(now, 10)).toBe(1);
  });

  it('goes on after an outage, and does not hold up the shutdown', async () => {
    const { database } = await openDatabase();
    const timer = new ManualTimer();
    const sessions = new SqlSessionStore(database, true);
    const maintenance = new SqlMaintenance({ stores: [sessions], clock, timer });
    await database.close();
    maintenance.start();
    timer.ring();
    await expect.poll(() => timer.delayMs).not.toBeNull();
    timer.ring();
    await maintenance.stop();
    expect(timer.delayMs).toBeNull();
  });
});
