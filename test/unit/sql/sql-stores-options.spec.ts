import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import type { EncryptionKeys } from '../../../src/issuing/encryption-keys.js';
import { SigningKeyStore } from '../../../src/issuing/signing-key-store.js';
import { RevocationStore } from '../../../src/revocation/revocation-store.js';
import { SessionStore } from '../../../src/sessions/session-store.js';
import { embeddedPostgres } from '../../../src/sql/embedded-postgres.js';
import { loadPackage } from '../../../src/configuration/load-package.js';
import { postgres } from '../../../src/sql/postgres.js';
import {
  readExcept,
  type ResolvedSqlStoresOptions,
  resolveSqlStoresOptions,
  type SqlStoresOptions,
} from '../../../src/sql/sql-stores-options.js';

const keyOf = (text: string): string => Buffer.alloc(32, text).toString('base64');
const database = postgres('postgres://user:geheim@127.0.0.1/app');
const encryptionKey = keyOf('newest');

const resolve = (options: object): ResolvedSqlStoresOptions =>
  resolveSqlStoresOptions('SqlStoresModule.forRoot', options as SqlStoresOptions);

function errorOf(run: () => unknown): ConfigurationError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return error as ConfigurationError;
  }
  throw new Error('Nothing was thrown');
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the options of SqlStoresModule', () => {
  it('have defaults', () => {
    expect(resolve({ database, encryptionKey })).toMatchObject({
      database,
      schema: 'gatehouse',
      migrate: true,
      statementTimeoutMs: 5_000,
    });
  });

  it.each([
    [{}, 'SqlStoresModule.forRoot({ database })', 'it is missing'],
    [{ database: 'postgres://127.0.0.1/app' }, 'SqlStoresModule.forRoot({ database })', 'a database is expected'],
    [{ database, shema: 'x' }, 'SqlStoresModule.forRoot({ shema })', 'Did you mean schema'],
    [{ database, schema: 'Gatehouse' }, 'SqlStoresModule.forRoot({ schema })', 'lower-case'],
    [{ database, schema: 'a"; drop table b; --' }, 'SqlStoresModule.forRoot({ schema })', 'lower-case'],
    [{ database, schema: 'pg_own' }, 'SqlStoresModule.forRoot({ schema })', 'pg_'],
    [{ database, schema: 'a'.repeat(64) }, 'SqlStoresModule.forRoot({ schema })', '63'],
    [{ database, migrate: 'yes' }, 'SqlStoresModule.forRoot({ migrate })', 'true or false'],
    [{ database, statementTimeoutMs: 0 }, 'SqlStoresModule.forRoot({ statementTimeoutMs })', 'from 100 to 60000'],
    [{ database, encryptionKey: 'short' }, 'SqlStoresModule.forRoot({ encryptionKey })', '32 bytes in base64'],
    [{ database, encryptionKey: [] }, 'SqlStoresModule.forRoot({ encryptionKey })', '32 bytes in base64'],
  ])('%j is refused', (options, path, problem) => {
    const error = errorOf(() => resolve({ encryptionKey, ...options }));
    expect(error.path).toBe(path);
    expect(error.message).toContain(problem);
    expect(error.message).not.toContain('short');
  });

  const decrypts = (keys: EncryptionKeys, sealedBy: EncryptionKeys): string =>
    keys.open(sealedBy.seal(Buffer.from('secret'), 'test'), 'test').toString();

  it('take keys from the option, or several from the environment, newest first', () => {
    const old = resolve({ database, encryptionKey: keyOf('older') }).encryptionKeys();
    const both = resolve({ database, encryptionKey: [encryptionKey, keyOf('older')] }).encryptionKeys();
    expect(decrypts(both, old)).toBe('secret');
    expect(() => decrypts(old, both)).toThrow();
    vi.stubEnv('GATEHOUSE_ENCRYPTION_KEY', `${encryptionKey}, ${keyOf('older')}`);
    const ofEnvironment = resolve({ database }).encryptionKeys();
    expect(decrypts(ofEnvironment, old)).toBe('secret');
    expect(decrypts(both, ofEnvironment)).toBe('secret');
    // The option comes first.
    expect(() => decrypts(resolve({ database, encryptionKey: keyOf('x') }).encryptionKeys(), ofEnvironment)).toThrow();
  });

  it('name the environment variable when its text is wrong, and do not repeat it', () => {
    vi.stubEnv('GATEHOUSE_ENCRYPTION_KEY', 'geheim');
    const { message } = errorOf(() => resolve({ database }));
    expect(message).toContain('GATEHOUSE_ENCRYPTION_KEY');
    expect(message).not.toContain('geheim');
  });

  it('require a key with postgres(), and with every database in production', () => {
    vi.stubEnv('GATEHOUSE_ENCRYPTION_KEY', '');
    expect(errorOf(() => resolve({ database })).message).toContain('openssl rand -base64 32');
    expect(resolve({ database: embeddedPostgres() }).encryptionKeys()).toBeDefined();
    vi.stubEnv('NODE_ENV', 'production');
    expect(errorOf(() => resolve({ database })).path).toBe('SqlStoresModule.forRoot({ encryptionKey })');
    const inDirectory = embeddedPostgres({ directory: '/tmp/never-created' });
    expect(errorOf(() => resolve({ database: inDirectory })).message).toContain('in production');
    expect(resolve({ database: inDirectory, encryptionKey }).encryptionKeys()).toBeDefined();
  });

  it('refuse a database in memory in production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    const error = errorOf(() => resolve({ database: embeddedPostgres(), encryptionKey }));
    expect(error.path).toBe('embeddedPostgres({ directory })');
  });

  it('count as those of production when NODE_ENV is set between the options and the start, as a .env file may do', () => {
    vi.stubEnv('GATEHOUSE_ENCRYPTION_KEY', '');
    const withoutKey = resolve({ database: embeddedPostgres({ directory: '/tmp/never-created' }) });
    const inMemory = resolve({ database: embeddedPostgres(), encryptionKey });
    vi.stubEnv('NODE_ENV', 'production');
    expect(errorOf(() => withoutKey.encryptionKeys()).path).toBe('SqlStoresModule.forRoot({ encryptionKey })');
    expect(errorOf(() => inMemory.encryptionKeys()).path).toBe('embeddedPostgres({ directory })');
  });

  it('leave stores out, and refuse what is none', () => {
    expect(readExcept('x', undefined)).toEqual([]);
    expect(readExcept('x', [RevocationStore, SessionStore])).toEqual([SessionStore, RevocationStore]);
    for (const wrong of ['SessionStore', [SessionStore, 'x'], [undefined], [class SessionStore {}], null]) {
      expect(errorOf(() => readExcept('x', wrong)).message).toContain(SigningKeyStore.name);
    }
  });
});

describe('postgres()', () => {
  it.each([
    undefined,
    '',
    'mysql://u:geheim@host/db',
    'postgres:geheim',
    'postgres://u:geheim%zz@host/db',
    'postgres://u:geheim#x@host/db',
    'postgres://u:geheim@host:port/db',
    { host: 'geheim' },
    5,
    null,
  ])('refuses %j, without repeating it', (url) => {
    const { message, path } = errorOf(() => postgres(url as string));
    expect(path).toBe('postgres(url)');
    expect(message).not.toContain('geheim');
  });

  it('takes every form of URL that pg reads', () => {
    for (const url of [
      'postgres://u:p%40ss@host:6543/db?sslmode=verify-full',
      'postgresql://host/db',
      'postgres:///db?host=/var/run/postgresql',
      'postgres://u@[::1]:5432/db',
    ]) {
      expect(() => postgres(url)).not.toThrow();
    }
  });

  it('refuses wrong options', () => {
    expect(errorOf(() => postgres('postgres://h/d', { max: 5 } as object)).message).toContain('maxConnections');
    expect(errorOf(() => postgres('postgres://h/d', { maxConnections: 0 })).message).toContain('1 to 1000');
    expect(errorOf(() => embeddedPostgres({ path: 'x' } as object)).message).toContain('directory');
    expect(errorOf(() => embeddedPostgres({ directory: '' })).message).toContain('not empty');
  });
});

describe('an optional package', () => {
  const wanted = { where: 'postgres(url)', name: 'no-such-package-here', install: 'npm install no-such-package-here' };

  it('that is not installed is named with the command that installs it', async () => {
    const specifier: string = wanted.name;
    const loading = loadPackage(() => import(specifier) as Promise<object>, wanted);
    await expect(loading).rejects.toThrow(ConfigurationError);
    await expect(loading).rejects.toThrow('Install it: npm install no-such-package-here');
  });

  it('that fails while it is loaded is not said to be missing', async () => {
    const broken = Object.assign(new Error("Cannot find module 'another-package'"), { code: 'MODULE_NOT_FOUND' });
    await expect(loadPackage(() => Promise.reject(broken), wanted)).rejects.toBe(broken);
  });

  it('has its names whether Node found them in CommonJS or not', async () => {
    const Pool = class {};
    expect(await loadPackage(() => Promise.resolve({ default: { Pool } }), wanted)).toMatchObject({ Pool });
    expect(await loadPackage(() => Promise.resolve({ Pool }), wanted)).toMatchObject({ Pool });
  });
});
