/** How many statements sessions cost: two for a refresh, two for a sign-in, none for a guarded request. */
import { type PostgresClient, type PostgresStatement, postgres } from 'nest-gatehouse/sql';
import { Pool } from 'pg';
import { describe, expect } from 'vitest';
import { endAfterwards, platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { postgresUrl } from '../support/postgres.js';
import { startSessionApp } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

/** A pool of the app's own, which keeps the statements that it was given. */
class CountingPool {
  private texts: string[] = [];
  private readonly pool = new Pool({ connectionString: postgresUrl });

  async connect(): Promise<PostgresClient> {
    const client = await this.pool.connect();
    const keep = (text: string): unknown => this.texts.push(text);
    return new Proxy(client, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        const call = value.bind(target) as (...given: unknown[]) => unknown;
        if (name !== 'query') return call;
        return (statement: PostgresStatement | string): unknown => {
          keep(typeof statement === 'string' ? statement : statement.text);
          return call(statement);
        };
      },
    });
  }

  /** The first word of each statement since the last time. */
  take(): string[] {
    return this.texts.splice(0).map((text) => text.trim().split(/\s/)[0]?.toLowerCase() ?? '');
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}

describe.each(platforms)('the statements of sessions, on $name', (platform) => {
  it('are at most two for a refresh and for a sign-in, and none for a guarded request', async () => {
    const pool = new CountingPool();
    endAfterwards(() => pool.end());
    const clock = new ManualClock();
    const stores = new SharedDatabase().stores({ database: postgres(pool) });
    // Revocations are read in the background, which is another matter.
    const auth = { revocation: { refreshSeconds: 300, serveStaleForSeconds: 86_400 } };
    const { app, client } = await startSessionApp(platform, { clock, stores, auth });
    const [browser, phone] = [client(), client('body')];
    await phone.signIn('alice');
    await phone.call('/me');
    pool.take();

    await browser.signIn('alice');
    expect(pool.take()).toEqual(['insert']);
    const tab = browser.fork();
    for (const path of ['/me', '/me', '/auth/me']) expect((await browser.call(path)).status).toBe(200);
    expect((await browser.call('/change', { method: 'POST' })).status).toBe(201);
    expect(pool.take()).toEqual([]);
    for (let time = 0; time < 3; time += 1) {
      expect((await browser.refresh()).status).toBe(200);
      expect(pool.take()).toEqual(['select', 'update']);
      expect((await browser.call('/me')).status).toBe(200);
      expect(pool.take()).toEqual([]);
    }
    // Again within the grace period.
    expect((await tab.refresh()).status).toBe(200);
    expect(pool.take()).toEqual(['select', 'select']);
    // With a session in hand, which ends in the same statement; its revocation is the second one.
    await browser.signIn('bob');
    expect(pool.take()).toHaveLength(2);
    // What is no token of this app costs nothing.
    for (const token of ['grt_x', 'nonsense', `${browser.refreshToken.slice(0, -1)}_`]) {
      const body = JSON.stringify({ refresh_token: token });
      const headers = [['Content-Type', 'application/json']] as const;
      expect((await app.call('/auth/refresh', { method: 'POST', headers, body })).status).toBe(401);
      expect((await app.call('/me', { token })).status).toBe(401);
    }
    expect(pool.take()).toEqual([]);
    expect((await phone.call('/auth/sessions')).status).toBe(200);
    expect(pool.take()).toEqual(['select']);
  });
});
