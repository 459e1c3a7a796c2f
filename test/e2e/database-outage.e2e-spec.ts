/** An app whose database is down when it starts, goes down while it runs, or is slow when it stops. */
import { Controller, Get, Inject, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, oidc } from 'nest-gatehouse';
import { postgres, SessionStore, SqlStoresModule } from 'nest-gatehouse/sql';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { endAfterwards, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { LogLines } from '../support/log-lines.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;
const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
const id = '01950000-0000-7000-8000-000000000001';

@Controller()
class SessionsController {
  constructor(@Inject(SessionStore) private readonly sessions: SessionStore) {}

  @Get('session')
  async session(): Promise<object> {
    return { found: (await this.sessions.find(id)) !== null };
  }

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(): string {
    return 'guarded';
  }
}

describe.each(platforms)('an app without its database, on $name', (platform) => {
  let issuer: TestIssuer;
  const schemas: string[] = [];

  beforeAll(async () => {
    issuer = await startIssuer();
  });

  afterAll(async () => {
    for (const schema of schemas) await dropSchema(schema);
  });

  async function startProxy(): Promise<DatabaseProxy> {
    const proxy = await DatabaseProxy.start();
    endAfterwards(() => proxy.refuse());
    return proxy;
  }

  async function start(
    url: string,
    { statementTimeoutMs = 5_000, revocation = false } = {},
  ): Promise<{ app: RunningApp; logger: LogLines; schema: string }> {
    const schema = newSchemaName();
    schemas.push(schema);
    const logger = new LogLines();
    const app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          revocation: revocation && { refreshSeconds: 1 },
        }),
        SqlStoresModule.forRoot({ database: postgres(url), schema, encryptionKey, statementTimeoutMs }),
      ],
      controllers: [SessionsController],
      logger,
    });
    return { app, logger, schema };
  }

  const statusOf = async (app: RunningApp, path: string, token?: string): Promise<number> =>
    (await app.call(path, token === undefined ? {} : { token })).status;

  it('starts, answers 503, and migrates when the database is there', async () => {
    const proxy = await startProxy();
    const { app, logger } = await start(proxy.url, { revocation: true });
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '10m' });
    const refused = await app.call('/session');
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBeDefined();
    expect(refused.json).toMatchObject({ code: 'SERVER_ERROR' });
    // An instance that has never read its revocations cannot say of a token that it is not revoked.
    expect(await statusOf(app, '/guarded', token)).toBe(503);

    await proxy.forward();
    await expect.poll(() => statusOf(app, '/session'), { timeout: 30_000, interval: 200 }).toBe(200);
    await expect.poll(() => statusOf(app, '/guarded', token), { timeout: 30_000, interval: 200 }).toBe(200);
    const lines = logger.ours('error').map(({ text }) => text);
    expect(lines.filter((line) => line.includes('an answer from the database'))).toEqual([
      expect.stringContaining('it refuses the connection (ECONNREFUSED). Until it answers, what needs it is'),
    ]);
    expect(logger.lines.map(({ text }) => text).join('\n')).not.toContain(new URL(proxy.url).port);
  });

  it('verifies tokens while the database is down, and uses it again when it is back', async () => {
    const proxy = await startProxy();
    await proxy.forward();
    const { app } = await start(proxy.url);
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, { expiresIn: '10m' });
    expect(await statusOf(app, '/session')).toBe(200);
    await proxy.refuse();
    expect(await statusOf(app, '/session')).toBe(503);
    expect(await statusOf(app, '/guarded', token)).toBe(200);
    await proxy.forward();
    expect(await statusOf(app, '/session')).toBe(200);
  });

  it('answers 503 when the database keeps silent for statementTimeoutMs', async () => {
    const proxy = await startProxy();
    await proxy.forward();
    const { app, logger } = await start(proxy.url, { statementTimeoutMs: 300 });
    await proxy.keepSilent();
    expect(await statusOf(app, '/session')).toBe(503);
    expect(logger.ours('error').map(({ text }) => text)[0]).toContain('it did not answer within 300 ms');
  });

  it('answers a request that waits for the database when the app stops', async () => {
    const { app, schema } = await start(postgresUrl);
    const blocker = new Client({ connectionString: postgresUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query(`lock table ${schema}.sessions in access exclusive mode`);
    const answering = statusOf(app, '/session');
    const isWaiting = (): Promise<unknown[]> =>
      runSql("select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1", [`%${schema}%`]);
    await expect.poll(isWaiting).toHaveLength(1);
    const closing = app.nest.close();
    await blocker.query('commit');
    await blocker.end();
    expect(await answering).toBe(200);
    await closing;
  });
});
