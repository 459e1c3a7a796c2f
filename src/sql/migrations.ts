import { ConfigurationError } from '../errors/auth-error.js';
import { readNumber, readSwitch, readText } from './row-values.js';
import { migrations } from './schema.js';
import { type SqlDatabase, SqlFailure, type SqlRunner } from './sql-database.js';

/** PostgreSQL 13: `xid8` and `pg_current_xact_id`. */
const leastServerVersion = 130_000;
/** An index on a large table takes its time. */
const migrationTimeoutMs = 600_000;
/** Instances of all apps that share a database and a schema wait for each other by it. */
const lockStatement = (schema: string): string =>
  `select pg_advisory_xact_lock(hashtextextended('nest-gatehouse ${schema}', 0))`;

/** Writes a schema as it stands before a name, with the dot. It was checked to be a plain identifier. */
export function qualifierOf(schema: string): string {
  return `"${schema}".`;
}

export interface MigrationTerms {
  /** A plain identifier. */
  readonly schema: string;
  /** Whether missing migrations are applied, or refused. */
  readonly migrate: boolean;
  readonly now: () => Date;
}

/**
 * Brings the tables up to date. Any number of instances may do so at once; a role that may not create anything can do it
 * when there is nothing to do. Tables that a later version of the package has changed are left alone.
 *
 * @returns the names of the migrations that this call applied
 * @throws {ConfigurationError} when they are behind and `migrate` is off, or the server cannot be used
 */
export async function applyMigrations(database: SqlDatabase, terms: MigrationTerms): Promise<readonly string[]> {
  try {
    return await applyMissing(database, terms);
  } catch (error) {
    if (!(error instanceof SqlFailure) || error.code !== '42501') throw error;
    throw new ConfigurationError(
      'SqlStoresModule.forRoot({ database })',
      `its role lacks a privilege that is needed to create or to read the tables of the schema ${terms.schema}`,
      'Grant it, or run npx nest-gatehouse migrate as the owner and grant the use of the schema and its tables',
    );
  }
}

async function applyMissing(database: SqlDatabase, terms: MigrationTerms): Promise<readonly string[]> {
  if ((await readVersion(database, terms.schema)) >= migrations.length) return [];
  if (!terms.migrate) {
    throw new ConfigurationError(
      'SqlStoresModule.forRoot({ migrate: false })',
      `the tables of the schema ${terms.schema} are behind this version of the package`,
      'Run npx nest-gatehouse migrate before the app starts',
    );
  }
  return await database.transaction((runner) => migrateInTransaction(runner, terms), { timeoutMs: migrationTimeoutMs });
}

/** The version of the tables; 0 where there are none. */
async function readVersion(database: SqlDatabase, schema: string): Promise<number> {
  const table = `${qualifierOf(schema)}migrations`;
  const [server] = await database.query(
    `select current_setting('server_version_num') as version, getdatabaseencoding() as encoding,
            to_regclass($1) is not null as has_table`,
    [table],
  );
  if (server === undefined) return 0;
  checkServer(readNumber(server, 'version'), readText(server, 'encoding'));
  return readSwitch(server, 'has_table') ? await lastVersion(database, table) : 0;
}

async function lastVersion(runner: SqlRunner, table: string): Promise<number> {
  const [row] = await runner.query(`select coalesce(max(version), 0) as version from ${table}`);
  return row === undefined ? 0 : readNumber(row, 'version');
}

function checkServer(version: number, encoding: string): void {
  if (version < leastServerVersion) {
    throw new ConfigurationError(
      'SqlStoresModule.forRoot({ database })',
      `the server is PostgreSQL ${Math.floor(version / 10_000)}`,
      'Use PostgreSQL 13 or later',
    );
  }
  if (encoding !== 'UTF8') {
    throw new ConfigurationError(
      'SqlStoresModule.forRoot({ database })',
      `the database has the encoding ${encoding}`,
      "Use a database that was created with the encoding 'UTF8'",
    );
  }
}

async function migrateInTransaction(runner: SqlRunner, { schema, now }: MigrationTerms): Promise<string[]> {
  const qualifier = qualifierOf(schema);
  await runner.query(lockStatement(schema));
  // CREATE SCHEMA IF NOT EXISTS asks for the privilege also where the schema exists.
  const found = await runner.query('select 1 as found from pg_catalog.pg_namespace where nspname = $1', [schema]);
  if (found.length === 0) await runner.query(`create schema "${schema}"`);
  await runner.query(versionTable(qualifier));
  const applied = await lastVersion(runner, `${qualifier}migrations`);
  const missing = migrations.slice(applied);
  for (const [at, { name, statements }] of missing.entries()) {
    for (const statement of statements(qualifier)) await runner.query(statement);
    await runner.query(`insert into ${qualifier}migrations (version, name, applied_at) values ($1, $2, $3)`, [
      applied + at + 1,
      name,
      now(),
    ]);
  }
  return missing.map(({ name }) => name);
}

const versionTable = (qualifier: string): string =>
  `create table if not exists ${qualifier}migrations (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null
)`;

/** All migrations as one script for `psql`. It applies what is missing, so it can be run again. */
export function printMigrations(schema: string): string {
  const qualifier = qualifierOf(schema);
  const steps = migrations.map(({ name, statements }, at) =>
    [
      `do $migration$ begin -- ${at + 1}: ${name}`,
      `if exists (select from ${qualifier}migrations where version >= ${at + 1}) then return; end if;`,
      ...statements(qualifier).map((statement) => `${statement};`),
      `insert into ${qualifier}migrations (version, name, applied_at) values (${at + 1}, '${name}', current_timestamp);`,
      'end $migration$;',
    ].join('\n'),
  );
  return [
    'begin isolation level read committed;',
    `${lockStatement(schema)};`,
    `create schema if not exists "${schema}";`,
    `${versionTable(qualifier)};`,
    ...steps,
    'commit;',
    '',
  ].join('\n');
}
