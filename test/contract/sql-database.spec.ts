/** What the stores rely on, of both drivers; and what only a server can do: deadlocks, silence, lost connections. */
import { Client, Pool, types } from 'pg';
import { afterEach, describe, expect, it as test } from 'vitest';
import { embeddedPostgres } from '../../src/sql/embedded-postgres.js';
import { postgres } from '../../src/sql/postgres.js';
import { type SqlDatabase, SqlFailure } from '../../src/sql/sql-database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { it, onPostgres } from '../support/store-runner.js';

const pgIt = onPostgres.it;
const terms = { statementTimeoutMs: 20_000 };
const brief = { statementTimeoutMs: 250 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openOn(database: string | Pool, options = terms): Promise<SqlDatabase> {
  const opened = await postgres(database).open(options);
  cleanups.push(() => opened.close());
  return opened;
}

async function newTable(): Promise<string> {
  const schema = newSchemaName();
  await runSql(`create schema ${schema}`);
  await runSql(`create table ${schema}.items (id integer primary key, text text not null)`);
  cleanups.push(() => dropSchema(schema));
  return `${schema}.items`;
}

const failureOf = async (call: Promise<unknown>): Promise<SqlFailure> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SqlFailure);
  return error as SqlFailure;
};

const everyType = `select $1::timestamptz at time zone 'UTC' as time, $2::bytea as bytes, $3::int8 as number,
  $4::boolean as yes, $5::jsonb as json, $6::text as nothing, $7::text as text, $8::uuid as uuid, 2.5::numeric as numeric`;
const everyValue = [
  new Date('2030-01-01T12:00:00.123Z'),
  Uint8Array.of(0, 255),
  2 ** 40,
  true,
  '{"a": [1]}',
  null,
  'ä🐈\\',
  '01950000-0000-7000-8000-000000000001',
];

async function readsText(database: SqlDatabase): Promise<void> {
  expect(await database.query(everyType, everyValue)).toEqual([
    {
      time: '2030-01-01 12:00:00.123',
      bytes: '\\x00ff',
      number: String(2 ** 40),
      yes: 't',
      json: '{"a": [1]}',
      nothing: null,
      text: 'ä🐈\\',
      uuid: '01950000-0000-7000-8000-000000000001',
      numeric: '2.5',
    },
  ]);
}

async function keepsTransactions(database: SqlDatabase, table: string): Promise<void> {
  const insert = `insert into ${table} (id, text) values ($1, 'x')`;
  const sum = await database.transaction(async (runner) => {
    await runner.query(insert, [1]);
    return (await runner.query(`select count(*) as count from ${table}`))[0];
  });
  expect(sum).toEqual({ count: '1' });
  const undone = database.transaction(async (runner) => {
    await runner.query(insert, [2]);
    throw new RangeError('changed its mind');
  });
  await expect(undone).rejects.toThrow(RangeError);
  const failed = database.transaction(async (runner) => {
    await runner.query(insert, [3]);
    await runner.query(insert, [1]);
  });
  expect(await failureOf(failed)).toMatchObject({ code: '23505', constraint: 'items_pkey' });
  expect(await database.query(`select id from ${table}`)).toEqual([{ id: '1' }]);
}

describe('PGlite', () => {
  it('gives columns as text, runs transactions, and says of a failure no value', async () => {
    const database = await embeddedPostgres().open(terms);
    await readsText(database);
    await database.query('create table items (id integer primary key, text text not null)');
    await keepsTransactions(database, 'items');
    const failure = await failureOf(database.query(`insert into items values ($1, $2)`, [1, 'geheim']));
    expect(JSON.stringify(failure) + String(failure.stack)).not.toContain('geheim');
    await database.close();
    await failureOf(database.query('select 1'));
  });
});

describe('PostgreSQL', () => {
  pgIt('gives columns as text, whatever parsers the app has set', async () => {
    types.setTypeParser(types.builtins.INT8, Number);
    types.setTypeParser(types.builtins.TIMESTAMP, () => 'a parser of the app');
    cleanups.push(() => {
      types.setTypeParser(types.builtins.INT8, (text: string) => text);
      types.setTypeParser(types.builtins.TIMESTAMP, (text: string) => new Date(text));
    });
    await readsText(await openOn(postgresUrl));
  });

  pgIt('runs transactions', async () => {
    await keepsTransactions(await openOn(postgresUrl), await newTable());
  });

  pgIt('repeats what was aborted because of a deadlock', async () => {
    const table = await newTable();
    const database = await openOn(postgresUrl);
    await database.query(`insert into ${table} values (1, ''), (2, '')`);
    let attempts = 0;
    const update = async (first: number, second: number): Promise<void> => {
      await database.transaction(async (runner) => {
        attempts += 1;
        for (const id of [first, second]) {
          await runner.query(`update ${table} set text = text || $2 where id = $1`, [id, 'x']);
          // The first two attempts both hold their first row before they ask for the second.
          if (attempts <= 2) await runner.query('select pg_sleep(0.2)');
        }
      });
    };
    await Promise.all([update(1, 2), update(2, 1)]);
    expect(await database.query(`select text from ${table}`)).toEqual([{ text: 'xx' }, { text: 'xx' }]);
    expect(attempts).toBe(3);
  });

  pgIt('gives up a statement that takes too long, and frees its connection', async () => {
    const pool = new Pool({ connectionString: postgresUrl, max: 1 });
    cleanups.push(() => pool.end());
    const database = await openOn(pool, brief);
    const failure = await failureOf(database.query('select pg_sleep(30)'));
    expect(failure.message).toBe('it did not answer within 250 ms');
    // The only connection was destroyed, so there is room for another one.
    await expect.poll(() => database.query('select 1 as one').catch(() => [])).toEqual([{ one: '1' }]);
  });

  pgIt('cancels at the server what takes too long, so that statements behind a lock do not pile up there', async () => {
    const pool = new Pool({ connectionString: postgresUrl, max: 2 });
    cleanups.push(() => pool.end());
    const database = await openOn(pool, brief);
    const key = Math.floor(Math.random() * 2 ** 31);
    const holder = new Client(postgresUrl);
    await holder.connect();
    cleanups.push(() => holder.end());
    await holder.query('select pg_advisory_lock($1)', [key]);
    const waiting = async (): Promise<unknown> => {
      const { rows } = await holder.query<{ number: number }>(
        `select count(*)::int as number from pg_locks where locktype = 'advisory' and not granted and objid = $1`,
        [key],
      );
      return rows[0]?.number;
    };
    const failures = Array.from({ length: 4 }, () => failureOf(database.query(`select pg_advisory_lock(${key})`)));
    await expect.poll(waiting).toBeGreaterThan(0);
    for (const { message } of await Promise.all(failures)) expect(message).toContain('250 ms');
    await expect.poll(waiting).toBe(0);
  });

  pgIt("gives up waiting for a connection of the app's own pool, and gives it back when it comes late", async () => {
    const pool = new Pool({ connectionString: postgresUrl, max: 1 });
    cleanups.push(() => pool.end());
    const database = await openOn(pool, brief);
    const held = await pool.connect();
    expect((await failureOf(database.query('select 1'))).message).toContain('250 ms');
    held.release();
    await expect.poll(() => database.query('select 1 as one').catch(() => [])).toEqual([{ one: '1' }]);
    expect(pool.waitingCount).toBe(0);
  });

  test('gives up connecting to a server that keeps silent', async () => {
    const proxy = await DatabaseProxy.start();
    await proxy.keepSilent();
    cleanups.push(() => proxy.refuse());
    const database = await openOn(proxy.url, brief);
    // Two limits run at once: that of the statement, and that of the pool for the same time.
    expect((await failureOf(database.query('select 1'))).message).toMatch(/250 ms|the connection failed/);
  });

  pgIt('gives up a server that falls silent between two statements', async () => {
    const proxy = await DatabaseProxy.start();
    cleanups.push(() => proxy.refuse());
    await proxy.forward();
    const database = await openOn(proxy.url, brief);
    await database.query('select 1');
    await proxy.keepSilent();
    expect((await failureOf(database.query('select 1'))).message).toContain('250 ms');
  });

  pgIt('survives the loss of idle connections, and of one in use', async () => {
    const name = newSchemaName();
    const pool = new Pool({ connectionString: postgresUrl, application_name: name });
    cleanups.push(() => pool.end());
    const database = await openOn(pool);
    const terminate = (): Promise<unknown> =>
      runSql('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name]);
    await database.query('select 1');
    await terminate();
    await expect.poll(() => pool.idleCount).toBe(0);
    expect(await database.query('select 1 as one')).toEqual([{ one: '1' }]);
    const sleeping = failureOf(database.query('select pg_sleep(30)'));
    await expect
      .poll(() => runSql("select 1 from pg_stat_activity where application_name = $1 and state = 'active'", [name]))
      .toHaveLength(1);
    await terminate();
    expect((await sleeping).code).toBe('57P01');
    const betweenStatements = database.transaction(async (runner) => {
      await runner.query('select 1');
      await terminate();
      // The client notices now, when nobody waits for it.
      await expect
        .poll(() =>
          runner.query('select 1').then(
            () => 'open',
            () => 'lost',
          ),
        )
        .toBe('lost');
      await runner.query('select 1');
    });
    await failureOf(betweenStatements);
    expect(await database.query('select 1 as one')).toEqual([{ one: '1' }]);
  });

  pgIt("does not end the app's own pool", async () => {
    const pool = new Pool({ connectionString: postgresUrl });
    cleanups.push(() => pool.end());
    const database = await postgres(pool).open(terms);
    await database.query('select 1');
    await database.close();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(pool.listenerCount('error')).toBe(0);
  });

  pgIt('says of a failure neither a value nor the address', async () => {
    const table = await newTable();
    const database = await openOn(postgresUrl);
    await database.query(`insert into ${table} values (1, 'x')`);
    const duplicate = await failureOf(database.query(`insert into ${table} values ($1, $2)`, [1, 'geheim']));
    expect(duplicate).toMatchObject({ code: '23505', message: 'a value exists already', constraint: 'items_pkey' });
    const wrongType = await failureOf(database.query(`insert into ${table} values ($1, 'x')`, ['geheim']));
    expect(JSON.stringify(wrongType) + String(wrongType.stack)).not.toContain('geheim');
    const url = new URL(postgresUrl);
    url.pathname = '/geheim';
    const noDatabase = await failureOf((await openOn(url.href)).query('select 1'));
    expect(noDatabase.message).toBe('it has no database of this name (3D000)');
    expect(String(noDatabase.stack)).not.toContain('geheim');
  });

  test('says that a connection was refused', async () => {
    const proxy = await DatabaseProxy.start();
    const failure = await failureOf((await openOn(proxy.url)).query('select 1'));
    expect(failure.message).toBe('it refuses the connection (ECONNREFUSED)');
  });
});
