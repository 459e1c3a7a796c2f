import type * as Pglite from '@electric-sql/pglite';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { constants, runInThisContext } from 'node:vm';
import { readOptions, readText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { lockDirectory, readOrCreateKey } from './data-directory.js';
import type { DatabaseSource } from './database-source.js';
import { EmbeddedDatabase, type EmbeddedEngine } from './embedded-database.js';
import { loadPackage } from '../configuration/load-package.js';
import type { SqlDatabase } from './sql-database.js';

export interface EmbeddedPostgresOptions {
  /**
   * Where the data is kept. It is created if it is not there. One process at a time can use it. It also holds the
   * encryption key, unless the option `encryptionKey` is set: keep it out of the repository, and readable for the app alone.
   *
   * @defaultValue in memory: the data ends with the process
   */
  readonly directory?: string;
}

/**
 * PostgreSQL inside the process (PGlite), for development, tests and small apps of one process: nothing is to be installed
 * but a package, `npm install @electric-sql/pglite@0.5`. It needs about 400 MB of memory.
 *
 * @throws {ConfigurationError} for a wrong option
 */
export function embeddedPostgres(options: EmbeddedPostgresOptions = {}): DatabaseSource {
  const where = 'embeddedPostgres';
  const directory = readText(where, readOptions(where, options, ['directory']), 'directory');
  if (directory === undefined) {
    return Object.freeze({
      open: () => open(undefined, () => undefined),
      ownKeys: () => EncryptionKeys.random(),
      productionProblem: {
        path: 'embeddedPostgres({ directory })',
        problem: 'a database in memory forgets all sessions and keys when the process ends, and this is production',
        fix: 'Name a directory, or use postgres(url)',
      },
    });
  }
  const path = resolve(directory);
  return Object.freeze({
    open: async () => open(join(path, 'postgres'), await lockDirectory(path)),
    findNewDirectory: () => (existsSync(join(path, 'postgres')) ? null : path),
    ownKeys: () => readOrCreateKey(path),
    productionProblem: null,
  });
}

async function open(dataDir: string | undefined, unlock: () => void): Promise<SqlDatabase> {
  try {
    return new EmbeddedDatabase(await openEngine(dataDir), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openEngine(dataDir: string | undefined): Promise<EmbeddedEngine> {
  const { PGlite } = await loadPackage(importEngine, {
    where: 'embeddedPostgres',
    name: '@electric-sql/pglite',
    install: 'npm install @electric-sql/pglite@0.5',
  });
  try {
    return await (dataDir === undefined ? PGlite.create() : PGlite.create({ dataDir }));
  } catch (error) {
    throw new ConfigurationError(
      'embeddedPostgres({ directory })',
      `PGlite cannot open it (${error instanceof Error ? error.name : 'unknown error'})`,
      'Restore the directory from a backup, or delete it to begin with an empty one. Another version of PGlite may have written it',
    );
  }
}

/**
 * PGlite calls `import()`, which ends the process when Jest has loaded it: Jest runs CommonJS in a context of its own, without
 * that function. There PGlite is loaded by Node's own loader, in the main context.
 */
async function importEngine(): Promise<typeof Pglite> {
  const isMainContext = runInThisContext('globalThis') === globalThis;
  // ES modules have no such name, and `import()` in every context.
  if (isMainContext || typeof __filename !== 'string') return await import('@electric-sql/pglite');
  const load = runInThisContext('(name) => import(name)', {
    filename: __filename,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as (name: string) => Promise<typeof Pglite>;
  return await load('@electric-sql/pglite');
}
