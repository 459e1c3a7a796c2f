/** How an app gets its tables: many instances at once, roles with few privileges, and a database that comes later. */
import { Pool } from 'pg';
import { afterEach, describe, expect, it as test } from 'vitest';
import { AuthUnavailableError, ConfigurationError } from '../../src/errors/auth-error.js';
import { printMigrations } from '../../src/sql/migrations.js';
import { migrations } from '../../src/sql/schema.js';
import { postgres } from '../../src/sql/postgres.js';
import { SqlRevocationStore } from '../../src/sql/sql-revocation-store.js';
import { SqlSessionStore } from '../../src/sql/sql-session-store.js';
import { SqlSigningKeyStore } from '../../src/sql/sql-signing-key-store.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { ManualClock } from '../support/manual-clock.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { createDatabase, type OpenedDatabase } from '../support/store-database.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newSchema(): string {
  const schema = newSchemaName();
  cleanups.push(() => dropSchema(schema));
  return schema;
}

function open(url: string, parts: Parameters<typeof createDatabase>[1] = {}): OpenedDatabase {
  const opened = createDatabase(postgres(url, { maxConnections: 2 }), parts);
  cleanups.push(() => opened.database.close());
  return opened;
}

const tablesOf = async (schema: string): Promise<unknown[]> =>
  (await runSql('select tablename from pg_tables where schemaname = $1 order by 1', [schema])).map(
    (row) => row['tablename'],
  );

const versionsOf = (schema: string): Promise<Record<string, unknown>[]> =>
  runSql(`select version from ${schema}.migrations order by 1`);

const allTables = [
  'accounts',
  'api_keys',
  'attempts',
  'group_members',
  'groups',
  'identities',
  'migrations',
  'one_time_codes',
  'passkeys',
  'provider_tokens',
  'revocations',
  'sessions',
  'sign_in_networks',
  'signing_keys',
];
const allVersions = migrations.map((_, at) => ({ version: at + 1 }));

describe('migrations', () => {
  it('are applied once when ten instances start at once on an empty database', async () => {
    const schema = newSchema();
    const migrated: string[] = [];
    const instances = Array.from({ length: 10 }, () =>
      open(postgresUrl, { schema, onMigrated: (names) => migrated.push(...names) }),
    );
    await Promise.all(instances.map(({ database }) => database.start()));
    expect(await tablesOf(schema)).toEqual(allTables);
    expect(await versionsOf(schema)).toEqual(allVersions);
    expect(migrated).toEqual(migrations.map(({ name }) => name));
    for (const { database } of instances) expect(await new SqlSigningKeyStore(database).list()).toEqual([]);
  });

  it("note the time of the app's clock", async () => {
    const schema = newSchema();
    await open(postgresUrl, { schema, clock: new ManualClock() }).database.start();
    const [row] = await runSql(`select applied_at from ${schema}.migrations`);
    expect(row?.['applied_at']).toEqual(new ManualClock().now());
  });

  it('leave tables alone that a later version has changed', async () => {
    const schema = newSchema();
    await open(postgresUrl, { schema }).database.start();
    await runSql(`insert into ${schema}.migrations values (1000, 'of the future', now())`);
    const { database } = open(postgresUrl, { schema, migrate: false });
    await database.start();
    expect(await new SqlSigningKeyStore(database).list()).toEqual([]);
  });

  it('make the same tables when they are printed, and can be applied again', async () => {
    const [printed, applied] = [newSchema(), newSchema()];
    await open(postgresUrl, { schema: applied }).database.start();
    for (let time = 0; time < 2; time += 1) await runSql(printMigrations(printed));
    const describeSchema = (schema: string) =>
      runSql(
        `select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
        where table_schema = $1 union all
        select tablename, indexname, replace(indexdef, $1, ''), '', '' from pg_indexes where schemaname = $1
        order by 1, 2`,
        [schema],
      );
    expect(await describeSchema(printed)).toEqual(await describeSchema(applied));
    expect(await versionsOf(printed)).toEqual(await versionsOf(applied));
    await open(postgresUrl, { schema: printed, migrate: false }).database.start();
  });

  it('are refused where they are off and the tables are behind', async () => {
    const schema = newSchema();
    const { database, events } = open(postgresUrl, { schema, migrate: false });
    await expect(database.start()).rejects.toThrow(ConfigurationError);
    await expect(database.query('select 1')).rejects.toThrow('npx nest-gatehouse migrate');
    expect(await tablesOf(schema)).toEqual([]);
    expect(events).toEqual([]);
  });

  it('need no privilege to create where there is nothing to do, and say so where there is', async () => {
    const [ready, missing] = [newSchema(), newSchema()];
    const role = newSchemaName();
    await open(postgresUrl, { schema: ready }).database.start();
    await runSql(`create role ${role} login`);
    cleanups.push(() => runSql(`drop owned by ${role}; drop role ${role}`));
    await runSql(`grant usage on schema ${ready} to ${role};
      grant select, insert, update, delete on all tables in schema ${ready} to ${role}`);
    const url = new URL(postgresUrl);
    url.username = role;
    url.password = '';
    const { database } = open(url.href, { schema: ready });
    await database.start();
    expect(await new SqlSigningKeyStore(database).list()).toEqual([]);
    await new SqlRevocationStore(database, new ManualClock()).add([
      { kind: 'user', issuer: 'https://a', value: 'u', issuedUntilSeconds: 1, expiresAtSeconds: 2 },
    ]);
    await expect(open(url.href, { schema: missing }).database.start()).rejects.toThrow('lacks a privilege');
  });

  it('work where the role has another isolation level, time zone and date style', async () => {
    const schema = newSchema();
    const settings = ['default_transaction_isolation=serializable', 'timezone=Asia/Kathmandu', 'datestyle=german'];
    const pool = new Pool({
      connectionString: postgresUrl,
      options: [...settings, 'bytea_output=escape', 'intervalstyle=iso_8601'].map((set) => `-c ${set}`).join(' '),
    });
    cleanups.push(() => pool.end());
    const { database } = createDatabase(postgres(pool), { schema });
    await database.start();
    const keys = new SqlSigningKeyStore(database);
    const key = {
      kid: 'a',
      sequence: 1,
      algorithm: 'ES256',
      publicJwk: '{}',
      sealedPrivateKey: Buffer.of(0, 92, 255),
      createdAt: new Date('2030-07-01T23:59:59.999Z'),
      signsFrom: new Date('2030-01-01T00:00:00.001Z'),
    } as const;
    await keys.add(key);
    expect(await keys.list()).toEqual([key]);
    await database.close();
  });
});

describe('a database that is down', () => {
  it('is waited for: every call is refused at once, and when it is back it is migrated', async () => {
    const schema = newSchema();
    const proxy = await DatabaseProxy.start();
    cleanups.push(() => proxy.refuse());
    const { database, events, timer } = open(proxy.url, { schema });
    await database.start();
    const keys = new SqlSigningKeyStore(database);
    await expect(keys.list()).rejects.toThrow(AuthUnavailableError);
    for (const pause of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      expect(timer.delayMs).toBe(pause);
      timer.ring();
      await expect.poll(() => timer.delayMs).not.toBeNull();
    }
    await expect(keys.list()).rejects.toThrow(AuthUnavailableError);
    expect(events).toEqual([
      {
        type: 'outage-began',
        what: 'an answer from the database',
        problem: 'it refuses the connection (ECONNREFUSED)',
        consequence: 'Until it answers, what needs it is answered with 503',
      },
    ]);

    await proxy.forward();
    timer.ring();
    await expect.poll(() => keys.list().catch(() => null)).toEqual([]);
    expect(await tablesOf(schema)).toEqual(allTables);
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it('refuses calls that are made while the first attempt is under way only when it has failed', async () => {
    const proxy = await DatabaseProxy.start();
    await proxy.keepSilent();
    cleanups.push(() => proxy.refuse());
    const { database } = open(proxy.url, { schema: newSchema(), statementTimeoutMs: 250 });
    await expect(new SqlSigningKeyStore(database).list()).rejects.toThrow(AuthUnavailableError);
  });

  it('stays refused when it comes back with tables that are behind, until somebody has migrated', async () => {
    const schema = newSchema();
    const proxy = await DatabaseProxy.start();
    cleanups.push(() => proxy.refuse());
    const { database, events, timer } = open(proxy.url, { schema, migrate: false });
    await database.start();
    await proxy.forward();
    for (let time = 0; time < 3; time += 1) {
      timer.ring();
      await expect.poll(() => timer.delayMs).not.toBeNull();
    }
    const keys = new SqlSigningKeyStore(database);
    await expect(keys.list()).rejects.toThrow(AuthUnavailableError);
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'misconfigured']);
    expect(events[1]).toMatchObject({ fix: 'Run npx nest-gatehouse migrate before the app starts' });

    await open(postgresUrl, { schema }).database.start();
    timer.ring();
    await expect.poll(() => keys.list().catch(() => null)).toEqual([]);
  });

  it('is noticed while the app runs, reported once, and used again when it is back', async () => {
    const schema = newSchema();
    const proxy = await DatabaseProxy.start();
    cleanups.push(() => proxy.refuse());
    await proxy.forward();
    const { database, events } = open(proxy.url, { schema, statementTimeoutMs: 1_000 });
    const sessions = new SqlSessionStore(database, true);
    const id = '01950000-0000-7000-8000-000000000001';
    expect(await sessions.find(id)).toBeNull();
    await proxy.refuse();
    for (let time = 0; time < 5; time += 1) {
      await expect(sessions.find(id)).rejects.toMatchObject({ code: 'SERVER_ERROR' });
    }
    await proxy.forward();
    expect(await sessions.find(id)).toBeNull();
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it('lets calls that are running end before it is closed, and refuses further ones', async () => {
    const schema = newSchema();
    const { database } = open(postgresUrl, { schema });
    await database.start();
    const running = database.query("select 'answered' as state, pg_sleep(0.3)");
    const closing = database.close();
    await expect(database.query('select 1')).rejects.toThrow(AuthUnavailableError);
    expect(await running).toMatchObject([{ state: 'answered' }]);
    await closing;
  });
});

describe('a server that cannot be used', () => {
  it('is named when it has another encoding', async () => {
    const name = newSchemaName();
    await runSql(`create database ${name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`);
    cleanups.push(() => runSql(`drop database ${name}`));
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    await expect(open(url.href).database.start()).rejects.toThrow("encoding 'UTF8'");
  });

  test('never lets a start reject because nobody answers', async () => {
    const proxy = await DatabaseProxy.start();
    const { database, events } = open(proxy.url);
    await database.start();
    expect(events).toHaveLength(1);
  });
});
