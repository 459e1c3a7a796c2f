import { readNumber, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { DatabaseSource } from './database-source.js';
import { loadPackage } from '../configuration/load-package.js';
import { type OpenedPool, PostgresDatabase, type PostgresPool } from './postgres-database.js';
import type { DatabaseTerms } from './sql-database.js';

export interface PostgresOptions {
  /**
   * The largest number of connections, 1 to 1,000. Only for a URL: a pool of the app's own has its own limit. All instances
   * together must stay below `max_connections` of the server, or of its pooler.
   *
   * @defaultValue 10
   */
  readonly maxConnections?: number;
}

const usualConnections = 10;

/**
 * A PostgreSQL database, 13 or later, for `SqlStoresModule`. Needs the package `pg`: `npm install pg`.
 *
 * @param database a URL such as `postgres://user:password@host:5432/name`, with the parameters that `pg` knows
 *   (`sslmode=verify-full`), or a pool of `pg` that the app ends itself
 * @throws {ConfigurationError} for a text that is no such URL. The message does not repeat it.
 */
export function postgres(database: string | PostgresPool | undefined, options: PostgresOptions = {}): DatabaseSource {
  const given = readOptions('postgres', options, ['maxConnections']);
  const limits = { least: 1, most: 1_000, whole: true };
  const maxConnections = readNumber('postgres', given, 'maxConnections', limits) ?? usualConnections;
  const openPool = poolOpener(database, maxConnections);
  return Object.freeze({
    open: async (terms: DatabaseTerms) => new PostgresDatabase(await openPool(terms), terms),
    ownKeys: null,
    productionProblem: null,
  });
}

function poolOpener(database: unknown, max: number): (terms: DatabaseTerms) => Promise<OpenedPool> {
  if (isPool(database)) return () => Promise.resolve(borrow(database));
  const connectionString = checkUrl(database);
  return (terms) => connect(connectionString, max, terms);
}

function isPool(value: unknown): value is PostgresPool {
  return typeof value === 'object' && value !== null && 'connect' in value && typeof value.connect === 'function';
}

function checkUrl(given: unknown): string {
  const fix = 'Write postgres://user:password@host:5432/name, or pass a Pool of pg';
  if (given === undefined || given === '') {
    throw new ConfigurationError('postgres(url)', 'the URL is missing', `${fix}. Is DATABASE_URL set`);
  }
  if (typeof given !== 'string' || !/^postgres(ql)?:\/\//.test(given) || !isReadable(given)) {
    throw new ConfigurationError('postgres(url)', 'a URL of PostgreSQL is expected', fix);
  }
  return given;
}

/** Whether `pg` can read it: it decodes the parts, and a stray `%` or an unescaped `#` in a password is a mistake. */
function isReadable(text: string): boolean {
  try {
    const url = new URL(text);
    decodeURIComponent(`${url.username}${url.password}${url.pathname}`);
    return url.hash === '';
  } catch {
    return false;
  }
}

const ignore = (): void => undefined;

/** A pool reports the loss of an idle connection as an event, which would end the process if nobody listened. */
function listen(pool: object): () => void {
  const { on, removeListener }: { on?: unknown; removeListener?: unknown } = pool;
  if (typeof on !== 'function' || typeof removeListener !== 'function') return ignore;
  on.call(pool, 'error', ignore);
  return () => {
    removeListener.call(pool, 'error', ignore);
  };
}

function borrow(pool: PostgresPool): OpenedPool {
  const stopListening = listen(pool);
  return {
    pool,
    end: () => {
      stopListening();
      return Promise.resolve();
    },
  };
}

async function connect(connectionString: string, max: number, terms: DatabaseTerms): Promise<OpenedPool> {
  const { Pool } = await loadPackage(() => import('pg'), {
    where: 'postgres(url)',
    name: 'pg',
    install: 'npm install pg',
  });
  const pool = new Pool({
    connectionString,
    max,
    connectionTimeoutMillis: terms.statementTimeoutMs,
    keepAlive: true,
    // A process that has nothing else to do may end.
    allowExitOnIdle: true,
    application_name: 'nest-gatehouse',
  });
  listen(pool);
  return { pool, end: () => pool.end() };
}
