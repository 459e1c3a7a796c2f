import { isProduction, path, readNumber, readOptions, readSwitch, readText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type EncryptionKeys, readEncryptionKeys } from '../issuing/encryption-keys.js';
import type { AsyncModuleOptions } from '../provide-async-options.js';
import { type DatabaseSource, isDatabaseSource } from './database-source.js';
import { type StoreToken, storeTokens } from './sql-stores.js';

/** What `SqlStoresModule` takes. Read, checked and frozen once, when the app starts. */
export interface SqlStoresOptions {
  /** `postgres(process.env.DATABASE_URL)`, or `embeddedPostgres({ directory: '.data' })`. */
  readonly database: DatabaseSource;
  /**
   * The schema of the tables: lower-case letters, digits and `_`, at most 63 characters. Apps that share a database have one
   * each.
   *
   * @defaultValue 'gatehouse'
   */
  readonly schema?: string;
  /**
   * Whether the tables are created and brought up to date when the app starts; several instances may start at once. With
   * `false`, an app whose tables are behind does not start: run `npx nest-gatehouse migrate` before.
   *
   * @defaultValue true
   */
  readonly migrate?: boolean;
  /**
   * 32 bytes in base64, or a list of such texts, newest first. It encrypts private signing keys and other secrets
   * (AES-256-GCM), and refresh tokens are computed from it. The first encrypts, all decrypt. Required with `postgres()`, and
   * where `NODE_ENV` is `production`.
   *
   * @defaultValue the environment variable `GATEHOUSE_ENCRYPTION_KEY` (several, newest first, are separated by commas); without
   *   it, an embedded database keeps one in its directory
   */
  readonly encryptionKey?: string | readonly string[];
  /**
   * The longest that anything waits for the database, with waiting for a connection, in milliseconds; 100 to 60,000. After
   * that, 503 is answered.
   *
   * @defaultValue 5000
   */
  readonly statementTimeoutMs?: number;
}

/** What is known before any option is read. */
export interface SqlStoresExtras {
  /** Stores that another global module of the app provides: `[SessionStore]`. @defaultValue [] */
  readonly except?: readonly StoreToken[];
}

/** Makes the options, where a class is more handy than a function. */
export interface SqlStoresOptionsFactory {
  createSqlStoresOptions(): SqlStoresOptions | Promise<SqlStoresOptions>;
}

/** The options of `SqlStoresModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface SqlStoresAsyncOptions
  extends SqlStoresExtras,
    AsyncModuleOptions<SqlStoresOptions, SqlStoresOptionsFactory> {}

/** The options with everything filled in and checked. */
export interface ResolvedSqlStoresOptions {
  readonly database: DatabaseSource;
  readonly schema: string;
  readonly migrate: boolean;
  /** Reads the file of an embedded database when it is called. */
  readonly encryptionKeys: () => EncryptionKeys;
  readonly statementTimeoutMs: number;
}

const usualTimeoutMs = 5_000;
const variable = 'GATEHOUSE_ENCRYPTION_KEY';

/** @throws {ConfigurationError} for the first option that is wrong */
export function resolveSqlStoresOptions(where: string, given: SqlStoresOptions): ResolvedSqlStoresOptions {
  const options = readOptions(where, given, ['database', 'schema', 'migrate', 'encryptionKey', 'statementTimeoutMs']);
  const { database } = options;
  if (!isDatabaseSource(database)) {
    throw new ConfigurationError(
      path(where, 'database'),
      database === undefined ? 'it is missing' : 'a database is expected',
      "Write postgres(process.env.DATABASE_URL), or embeddedPostgres({ directory: '.data' })",
    );
  }
  checkProduction(database);
  const limits = { least: 100, most: 60_000 };
  return Object.freeze({
    database,
    schema: readSchema(path(where, 'schema'), readText(where, options, 'schema') ?? 'gatehouse'),
    migrate: readSwitch(where, options, 'migrate', true),
    encryptionKeys: readKeys(path(where, 'encryptionKey'), options['encryptionKey'], database),
    statementTimeoutMs: readNumber(where, options, 'statementTimeoutMs', limits) ?? usualTimeoutMs,
  });
}

/** Reads the name of a schema, which then needs no quoting. */
export function readSchema(where: string, name: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(name) && !name.startsWith('pg_')) return name;
  throw new ConfigurationError(
    where,
    'the name of a schema is expected: lower-case letters, digits and _, at most 63 characters, without pg_ at its beginning',
    "Left out, it is 'gatehouse'",
  );
}

/** @throws {ConfigurationError} for a database that is not meant for production */
function checkProduction({ productionProblem }: DatabaseSource): void {
  if (!isProduction() || productionProblem === null) return;
  const { path: option, problem, fix } = productionProblem;
  throw new ConfigurationError(option, problem, fix);
}

function readKeys(where: string, given: unknown, database: DatabaseSource): () => EncryptionKeys {
  const key = given ?? keysOfEnvironment();
  if (key !== undefined) {
    const keys = readEncryptionKeys(given === undefined ? `${where}: ${variable}` : where, key);
    return () => {
      checkProduction(database);
      return keys;
    };
  }
  const { ownKeys } = database;
  if (ownKeys === null || isProduction()) throw missingKey(where, ownKeys !== null);
  return () => {
    checkProduction(database);
    if (isProduction()) throw missingKey(where, true);
    return ownKeys();
  };
}

function missingKey(where: string, isEmbedded: boolean): ConfigurationError {
  return new ConfigurationError(
    where,
    isEmbedded ? 'it is missing, and in production the database does not keep one by itself' : 'it is missing',
    `Make one with: openssl rand -base64 32, and set ${variable}. Keep it apart from the database`,
  );
}

function keysOfEnvironment(): readonly string[] | undefined {
  const text = process.env[variable];
  return text === undefined || text.trim() === '' ? undefined : text.split(',');
}

/** Reads `except`. @throws {ConfigurationError} for what is no store of this module */
export function readExcept(where: string, given: unknown): readonly StoreToken[] {
  const tokens: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
  const known = storeTokens.filter((token) => tokens.includes(token));
  if (known.length === new Set(tokens).size) return known;
  throw new ConfigurationError(
    path(where, 'except'),
    'a list of stores is expected',
    `Known stores: ${storeTokens.map(({ name }) => name).join(', ')}`,
  );
}
