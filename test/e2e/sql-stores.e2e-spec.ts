/** Stores of an app in PostgreSQL: shared by its instances, provided to all its modules, in the app's own time. */
import { Injectable, Module } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  AuthUnavailableError,
  ConfigurationError,
  oidc,
  RevocationService,
} from 'nest-gatehouse';
import { memoryStores } from 'nest-gatehouse/testing';
import {
  embeddedPostgres,
  EncryptionKeys,
  type NewSession,
  postgres,
  RevocationStore,
  SessionStore,
  SigningKeyStore,
  type SqlStoresOptions,
  type SqlStoresOptionsFactory,
  SqlStoresModule,
} from 'nest-gatehouse/sql';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppParts, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { onPostgres } from '../support/store-runner.js';

const pgIt = onPostgres.it;
const [platform] = platforms as [(typeof platforms)[0]];
const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
const schemas: string[] = [];

function newSchema(): string {
  const schema = newSchemaName();
  schemas.push(schema);
  return schema;
}

afterAll(async () => {
  for (const schema of schemas) await dropSchema(schema);
});

const session: NewSession = {
  id: '01950000-0000-7000-8000-000000000001',
  userId: 'alice',
  seed: Buffer.alloc(16, 1),
  createdAt: new Date('2030-01-01T00:00:00Z'),
  authTime: new Date('2030-01-01T00:00:00Z'),
  amr: ['pwd'],
  login: null,
  delivery: null,
  remember: true,
  userAgent: null,
  ipAddress: null,
  idleExpiresAt: new Date('2030-01-02T00:00:00Z'),
  absoluteExpiresAt: new Date('2030-02-01T00:00:00Z'),
  removeAfter: new Date('2030-03-01T00:00:00Z'),
};

const start = (...imports: NonNullable<AppParts['imports']>): Promise<RunningApp> => startApp(platform, { imports });

async function errorOf(starting: Promise<unknown>): Promise<ConfigurationError> {
  const error = await starting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return error as ConfigurationError;
}

describe('SqlStoresModule', () => {
  pgIt('shares what one instance of the app stores with the others', async () => {
    const options = { database: postgres(postgresUrl), schema: newSchema(), encryptionKey };
    const [one, other] = await Promise.all([1, 2].map(() => start(SqlStoresModule.forRoot(options))));
    if (one === undefined || other === undefined) throw new Error('Two apps were started');
    await one.nest.get(SessionStore).create(session);
    expect(await other.nest.get(SessionStore).find(session.id)).toMatchObject({ userId: 'alice', generation: 0 });
    const sealed = one.nest.get(EncryptionKeys).seal(Buffer.from('secret'), 'test');
    expect(other.nest.get(EncryptionKeys).open(sealed, 'test').toString()).toBe('secret');
  });

  it('works with nothing installed but PGlite', async () => {
    const app = await start(SqlStoresModule.forRoot({ database: embeddedPostgres() }));
    await app.nest.get(SessionStore).create(session);
    expect((await app.nest.get(SessionStore).find(session.id))?.userId).toBe('alice');
    expect(await app.nest.get(SigningKeyStore).list()).toEqual([]);
    await app.nest.close();
    await expect(app.nest.get(SessionStore).find(session.id)).rejects.toThrow(AuthUnavailableError);
  }, 120_000);

  pgIt('provides the revocations of AuthModule, over all instances', async () => {
    const issuer = await startIssuer();
    @Controller()
    class MeController {
      @UseGuards(AuthGuard)
      @Get('me')
      me(): string {
        return 'me';
      }
    }
    const options = { database: postgres(postgresUrl), schema: newSchema(), encryptionKey };
    const startOne = () =>
      startApp(platform, {
        imports: [
          AuthModule.forRoot({
            issuers: oidc({ issuer: issuer.url, audience: 'api' }),
            revocation: { refreshSeconds: 1 },
          }),
          SqlStoresModule.forRoot(options),
        ],
        controllers: [MeController],
      });
    const [one, other] = await Promise.all([startOne(), startOne()]);
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '10m' });
    expect((await other.call('/me', { token })).status).toBe(200);
    await one.nest.get(RevocationService).revokeUser({ issuer: issuer.url, userId: 'alice' });
    expect((await one.call('/me', { token })).status).toBe(401);
    await expect.poll(async () => (await other.call('/me', { token })).status, { timeout: 20_000 }).toBe(401);
  });

  pgIt("reads the app's clock, and writes to the app's log", async () => {
    const clock = new ManualClock();
    const schema = newSchema();
    const logger = new LogLines();
    const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });
    // In either order.
    const imports = [
      SqlStoresModule.forRoot({ database: postgres(postgresUrl), schema, encryptionKey }),
      AuthModule.forRoot({ issuers, clock }),
    ];
    await startApp(platform, { imports, logger });
    await startApp(platform, { imports: imports.toReversed() });
    expect(await runSql(`select distinct applied_at from ${schema}.migrations`)).toEqual([{ applied_at: clock.now() }]);
    const applied = await runSql(`select name from ${schema}.migrations order by version`);
    const names = (applied as { name: string }[]).map(({ name }) => name).join('; ');
    expect(names).toContain('API keys');
    expect(logger.ours('log').map(({ text }) => text)).toEqual([
      `Migrated the tables of the schema ${schema}: ${names}`,
    ]);
  });

  pgIt('takes its options from a function, a class and a provider of the app', async () => {
    const schema = newSchema();
    @Injectable()
    class Settings implements SqlStoresOptionsFactory {
      createSqlStoresOptions(): SqlStoresOptions {
        return { database: postgres(postgresUrl), schema, encryptionKey };
      }
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    for (const way of [
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: (settings: Settings) => settings.createSqlStoresOptions(),
      },
      { useClass: Settings },
      { imports: [SettingsModule], useExisting: Settings },
    ]) {
      const app = await start(SqlStoresModule.forRootAsync(way));
      expect(await app.nest.get(SigningKeyStore).list()).toEqual([]);
    }
    const wrong = { useFactory: () => ({ database: postgres(postgresUrl), schema: 'No', encryptionKey }) };
    expect((await errorOf(start(SqlStoresModule.forRootAsync(wrong)))).path).toBe(
      'SqlStoresModule.forRootAsync({ schema })',
    );
  });

  pgIt("does not end a pool of the app's own", async () => {
    const pool = new Pool({ connectionString: postgresUrl });
    const app = await start(SqlStoresModule.forRoot({ database: postgres(pool), schema: newSchema(), encryptionKey }));
    await app.nest.get(SessionStore).create(session);
    await app.nest.close();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  pgIt('leaves a store out that the app provides, and refuses two', async () => {
    const stores = memoryStores();
    const options = { database: postgres(postgresUrl), schema: newSchema(), encryptionKey };
    const own = { module: class OwnStore {}, global: true, providers: [] as object[], exports: [SessionStore] };
    own.providers = [{ provide: SessionStore, useFactory: () => findProvider(stores, SessionStore) }];
    const twice = await errorOf(start(SqlStoresModule.forRoot(options), own as never));
    expect(twice.message).toBe(
      'SqlStoresModule.forRoot: another module provides a SessionStore as well. ' +
        'Leave out that of this module, by except: [SessionStore], or the other one.',
    );
    const app = await start(SqlStoresModule.forRoot({ ...options, except: [SessionStore] }), own as never);
    expect(app.nest.get(SessionStore)).toBe(findProvider(stores, SessionStore));
    expect(await app.nest.get(SigningKeyStore).list()).toEqual([]);
  });

  pgIt('stops an app whose tables are behind, where it may not migrate', async () => {
    const options = { database: postgres(postgresUrl), schema: newSchema(), encryptionKey, migrate: false };
    const error = await errorOf(start(SqlStoresModule.forRoot(options)));
    expect(error.message).toContain('npx nest-gatehouse migrate');
  });
});

function findProvider(module: ReturnType<typeof memoryStores>, token: unknown): unknown {
  const found = module.providers?.find((provider) => typeof provider === 'object' && provider.provide === token);
  return found !== undefined && typeof found === 'object' && 'useValue' in found ? found.useValue : undefined;
}

describe('memoryStores', () => {
  let one: RunningApp;
  let other: RunningApp;

  beforeAll(async () => {
    const shared = memoryStores();
    [one, other] = await Promise.all([start(shared), start(shared)]);
  });

  it('are shared by the apps that import what one call gave', async () => {
    await one.nest.get(SessionStore).create(session);
    expect((await other.nest.get(SessionStore).find(session.id))?.userId).toBe('alice');
    for (const token of [SigningKeyStore, RevocationStore, EncryptionKeys] as const) {
      expect(one.nest.get(token)).toBe(other.nest.get(token));
    }
  });

  it('are not shared by the apps of two calls', async () => {
    const third = await start(memoryStores());
    expect(await third.nest.get(SessionStore).find(session.id)).toBeNull();
  });
});
