/**
 * Statements are prepared once for each connection, and what stands between the app and its server may not allow it: then they are
 * prepared at each use, and nobody is refused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { afterEach, describe, expect, it as test } from 'vitest';
import { postgres } from '../../src/sql/postgres.js';
import { SqlAccountStore } from '../../src/sql/sql-account-store.js';
import type { SqlDatabase } from '../../src/sql/sql-database.js';
import { StoreDatabase } from '../../src/sql/store-database.js';
import { ManualClock } from '../support/manual-clock.js';
import { ManualTimer } from '../support/manual-timer.js';
import { dropSchema, newSchemaName, postgresMissing, postgresUrl, runSql } from '../support/postgres.js';
import { onPostgres } from '../support/store-runner.js';

const pgIt = onPostgres.it;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One connection, so that what is done to it is met by the next statement. */
async function open(): Promise<{ database: SqlDatabase; pool: Pool; prepared: () => Promise<string[]> }> {
  const pool = new Pool({ connectionString: postgresUrl, max: 1 });
  cleanups.push(() => pool.end());
  const database = await postgres(pool).open({ statementTimeoutMs: 20_000 });
  const names = "select name from pg_prepared_statements where name like 'gatehouse%' order by name";
  return {
    database,
    pool,
    prepared: async () => (await pool.query<{ name: string }>(names)).rows.map((row) => row.name),
  };
}

const add = 'select $1::int + 1 as sum';
const double = 'select $1::int * 2 as product';
const sum = [{ sum: '2' }];

describe('PostgreSQL', () => {
  pgIt('keeps a statement with values, and no other', async () => {
    const { database, prepared } = await open();
    await database.transaction(async (runner) => {
      for (let times = 0; times < 3; times += 1) expect(await runner.query(add, [1])).toEqual(sum);
    });
    expect(await database.query('select 1 as one')).toEqual([{ one: '1' }]);
    expect(await prepared()).toHaveLength(1);
  });

  pgIt('plans a list of accounts for each use, as a text may be found everywhere or nowhere', async () => {
    const { database, pool, prepared } = await open();
    const schema = newSchemaName();
    cleanups.push(() => dropSchema(schema));
    const stores = new StoreDatabase({
      open: () => Promise.resolve(database),
      schema,
      migrate: true,
      clock: new ManualClock(),
      timer: new ManualTimer(),
      report: () => undefined,
    });
    await stores.start();
    const accounts = new SqlAccountStore(stores);
    const query = { group: null, search: 'anna', afterId: null, limit: 50 };
    expect(await accounts.findByEmail('anna@example.com')).toBeNull();
    expect(await accounts.list(query)).toEqual([]);
    expect(await prepared()).not.toEqual([]);
    const { rows } = await pool.query("select name from pg_prepared_statements where statement like '%name_key >= %'");
    expect(rows).toEqual([]);
  });

  pgIt('keeps no more statements than a connection can bear', async () => {
    const { database, prepared } = await open();
    for (let at = 0; at < 510; at += 1) {
      expect(await database.query(`select $1::int + ${at} as sum`, [1])).toEqual([{ sum: String(at + 1) }]);
    }
    expect(await prepared()).toHaveLength(500);
  });

  pgIt('is asked again where the connection does not know the statement', async () => {
    const { database, pool, prepared } = await open();
    await database.query(add, [1]);
    await pool.query('deallocate all');
    expect(await database.query(add, [1])).toEqual(sum);
    expect(await database.query(double, [2])).toEqual([{ product: '4' }]);
    expect(await prepared()).toEqual([]);
  });

  pgIt('runs a transaction again where the connection does not know one of its statements', async () => {
    const { database, pool } = await open();
    await database.query(double, [2]);
    await pool.query('deallocate all');
    const schema = newSchemaName();
    await runSql(`create schema ${schema}`);
    cleanups.push(() => dropSchema(schema));
    await runSql(`create table ${schema}.items (id integer)`);
    await database.transaction(async (runner) => {
      await runner.query(`insert into ${schema}.items values ($1)`, [1]);
      await runner.query(double, [2]);
    });
    expect(await runSql(`select id from ${schema}.items`)).toEqual([{ id: 1 }]);
  });

  pgIt('is asked again where the connection has the statement already', async () => {
    const first = await open();
    await first.database.query(add, [1]);
    const [name] = await first.prepared();
    const { database, pool } = await open();
    await pool.query(`prepare ${name} as select 'of another client'`);
    expect(await database.query(add, [1])).toEqual(sum);
  });

  pgIt('is asked again where a migration has changed the columns', async () => {
    const { database } = await open();
    const schema = newSchemaName();
    await runSql(`create schema ${schema}`);
    cleanups.push(() => dropSchema(schema));
    await runSql(`create table ${schema}.items as select 7 as id`);
    const select = `select id, $1::int as given from ${schema}.items`;
    expect(await database.query(select, [1])).toEqual([{ id: '7', given: '1' }]);
    await runSql(`alter table ${schema}.items alter column id type text`);
    expect(await database.query(select, [1])).toEqual([{ id: '7', given: '1' }]);
  });
});

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a PgBouncer that gives each transaction one of two connections. */
async function startBouncer(program: string): Promise<string> {
  const server = new URL(postgresUrl);
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pgbouncer-'));
  chmodSync(folder, 0o755);
  const password = server.password === '' ? '' : ` password=${decodeURIComponent(server.password)}`;
  const target = `host=${server.hostname} port=${server.port || '5432'} user=${server.username}${password}`;
  const lines = [
    '[databases]',
    `bounced = ${target} dbname=${server.pathname.slice(1)}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 2',
  ];
  writeFileSync(join(folder, 'pgbouncer.ini'), `${lines.join('\n')}\n`);
  // It refuses to run as root.
  const asOther = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child: ChildProcess = spawn(program, [...asOther, join(folder, 'pgbouncer.ini')], { stdio: 'ignore' });
  cleanups.push(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  const url = `postgres://postgres@127.0.0.1:${port}/bounced`;
  const answers = async (): Promise<boolean> => {
    const client = new Client(url);
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  };
  await expect.poll(answers, { timeout: 10_000 }).toBe(true);
  return url;
}

describe('PgBouncer that gives each transaction another connection', () => {
  test('refuses nothing', { timeout: 60_000 }, async (context) => {
    if (postgresMissing !== undefined) context.skip(postgresMissing);
    if (pgbouncer === undefined) return context.skip('no pgbouncer is installed');
    const database = await postgres(await startBouncer(pgbouncer)).open({ statementTimeoutMs: 20_000 });
    cleanups.push(() => database.close());
    const schema = newSchemaName();
    await runSql(`create schema ${schema}`);
    cleanups.push(() => dropSchema(schema));
    await runSql(`create table ${schema}.items (id integer primary key)`);
    const insert = (id: number): Promise<unknown> =>
      database.transaction(async (runner) => {
        await runner.query(`insert into ${schema}.items values ($1)`, [id]);
        await runner.query(`select id from ${schema}.items where id = $1`, [id]);
      });
    const ids = Array.from({ length: 60 }, (_, at) => at);
    await Promise.all(ids.map((id) => (id % 2 === 0 ? insert(id) : database.query(add, [1]))));
    expect(await runSql(`select count(*)::int as number from ${schema}.items`)).toEqual([{ number: 30 }]);
  });
});
