/** How many statements sessions cost: two for a refresh, two for a sign-in, none for a guarded request. */
import { postgres } from 'nest-gatehouse/sql';
import { describe, expect } from 'vitest';
import { endAfterwards, platforms } from '../support/app.js';
import { CountingPool } from '../support/counting-pool.js';
import { ManualClock } from '../support/manual-clock.js';
import { startSessionApp } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

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
    // Signing out again and again writes nothing once no token of the session can be valid.
    const ended = phone.fork();
    expect((await phone.call('/auth/sign-out', { method: 'POST' })).status).toBe(204);
    clock.advanceSeconds(700);
    pool.take();
    for (let time = 0; time < 2; time += 1) {
      const body = { refresh_token: ended.refreshToken };
      expect((await client('body').call('/auth/sign-out', { method: 'POST', json: body })).status).toBe(204);
      expect(pool.take()).toEqual(['select']);
    }
  });
});
