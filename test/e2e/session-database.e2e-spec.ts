/** Sessions while their database is stopped and started again under traffic, is slow, or is not there when the app starts. */
import { postgres } from 'nest-gatehouse/sql';
import { describe, expect } from 'vitest';
import { endAfterwards, type Platform, platforms } from '../support/app.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { type SessionApp, type SessionClient, setCookiesOf, startSessionApp, Users } from '../support/session-app.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';
import { runSql } from '../support/postgres.js';
import { ManualClock } from '../support/manual-clock.js';
import { invalidToken, missingToken, refusedSession, unavailable, verdictOf } from '../support/verdicts.js';

const it = onPostgres.it;
const waiting = { timeout: 20_000, interval: 100 };

interface Story extends SessionApp {
  readonly proxy: DatabaseProxy;
  readonly database: SharedDatabase;
  readonly logger: LogLines;
}

/** An app with a database that stops and starts when the test says so. */
async function start(platform: Platform, { isUp = true, statementTimeoutMs = 5_000 } = {}): Promise<Story> {
  const proxy = await DatabaseProxy.start();
  endAfterwards(() => proxy.refuse());
  if (isUp) await proxy.forward();
  const database = new SharedDatabase();
  const logger = new LogLines();
  const stores = database.stores({ database: postgres(proxy.url), statementTimeoutMs });
  const clock = new ManualClock();
  const users = new Users(...Array.from({ length: 20 }, (_, at) => ({ id: `user ${at}` })));
  const auth = { revocation: { refreshSeconds: 1 } };
  return { ...(await startSessionApp(platform, { stores, logger, clock, users, auth })), proxy, database, logger };
}

function expectUnavailable(answer: Answer): void {
  expect(verdictOf(answer)).toEqual(unavailable);
  expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(setCookiesOf(answer)).toEqual([]);
}

describe.each(platforms)('the database of sessions, on $name', (platform) => {
  it('is stopped and started again under traffic: tokens are verified, refreshes wait, and nothing is lost', async () => {
    const { proxy, database, client } = await start(platform);
    const clients = Array.from({ length: 20 }, (_, at) => client(at % 2 === 0 ? 'cookies' : 'body'));
    await Promise.all(clients.map((each, at) => each.signIn(`user ${at}`)));
    const counts = { refreshed: 0, unavailable: 0, verified: 0 };
    let isOver = false;
    const statuses = new Set<number>();
    const use = async (each: SessionClient): Promise<void> => {
      while (!isOver) {
        const me = await each.call('/me');
        expect([me.status, each.accessToken === '']).toEqual([200, false]);
        counts.verified += 1;
        const answer = await each.refresh();
        statuses.add(answer.status);
        if (answer.status === 200) counts.refreshed += 1;
        else {
          expectUnavailable(answer);
          counts.unavailable += 1;
        }
      }
    };
    const traffic = Promise.all(clients.map(use));
    for (let outage = 0; outage < 2; outage += 1) {
      const { refreshed } = counts;
      await expect.poll(() => counts.refreshed, waiting).toBeGreaterThan(refreshed + 40);
      await proxy.refuse();
      const { unavailable: before } = counts;
      await expect.poll(() => counts.unavailable, waiting).toBeGreaterThan(before + 40);
      await proxy.forward();
    }
    const { refreshed } = counts;
    await expect.poll(() => counts.refreshed, waiting).toBeGreaterThan(refreshed + 40);
    isOver = true;
    await traffic;
    expect([...statuses].sort()).toEqual([200, 503]);
    for (const each of clients) {
      expect((await each.refresh()).status).toBe(200);
      expect((await each.call('/me')).status).toBe(200);
    }
    const ended = await runSql(`select 1 from ${database.schema}.sessions where ended_at is not null`);
    expect(ended).toEqual([]);
  });

  it('is down: what needs it is answered with 503, and what does not goes on', async () => {
    const { proxy, client, logger } = await start(platform);
    const [browser, stranger] = [client(), client()];
    await browser.signIn('user 1');
    await proxy.refuse();
    const sid = (await browser.call('/me')).json as { sessionId: string };
    for (const call of [
      () => browser.refresh(),
      () => browser.post('/auth/sign-out'),
      () => browser.post('/auth/sign-out-everywhere'),
      () => browser.call('/auth/sessions'),
      () => browser.call(`/auth/sessions/${sid.sessionId}`, { method: 'DELETE' }),
      () => stranger.signIn('user 1'),
    ]) {
      expectUnavailable(await call());
    }
    // These need no database: the user comes from the app, keys and refusals from memory.
    expect((await browser.call('/auth/me')).status).toBe(200);
    expect((await browser.call('/change', { method: 'POST' })).status).toBe(201);
    expect((await browser.call('/.well-known/jwks.json')).status).toBe(200);
    expect(verdictOf(await stranger.refresh())).toEqual(missingToken);
    expect(verdictOf(await stranger.post('/auth/refresh', { refresh_token: 'grt_x' }))).toEqual(
      refusedSession('malformed'),
    );
    expect((await stranger.post('/auth/sign-out')).status).toBe(204);
    await proxy.forward();
    expect((await browser.refresh()).status).toBe(200);
    const errors = logger.ours('error').map(({ text }) => text);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.join()).not.toContain(browser.refreshToken);
  });

  it('is silent: a refresh is answered with 503 after statementTimeoutMs, and the session lives on', async () => {
    const { proxy, client, clock } = await start(platform, { statementTimeoutMs: 400 });
    const browser = client();
    await browser.signIn('user 1');
    await proxy.keepSilent();
    const began = performance.now();
    expectUnavailable(await browser.refresh());
    // Two statements at most, and the machine may be slow.
    expect(performance.now() - began).toBeLessThan(5_000);
    expect((await browser.call('/me')).status).toBe(200);
    await proxy.forward();
    clock.advanceSeconds(8);
    await expect.poll(async () => (await browser.fork().refresh()).status, waiting).toBe(200);
  });

  it('is down while a session ends: signing out again ends it', async () => {
    const { proxy, client } = await start(platform);
    const browser = client('body');
    await browser.signIn('user 1');
    await proxy.refuse();
    expectUnavailable(await browser.post('/auth/sign-out'));
    await proxy.forward();
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    expect(verdictOf(await browser.refresh())).toEqual(refusedSession('revoked'));
    expect(verdictOf(await browser.call('/me'))).toEqual(invalidToken('revoked'));
  });

  it('is not there when the app starts, which then waits for it', async () => {
    const { proxy, client, clock } = await start(platform, { isUp: false });
    const browser = client();
    expectUnavailable(await browser.signIn('user 1'));
    expect(verdictOf(await browser.call('/me'))).toEqual(missingToken);
    await proxy.forward();
    // The keys that sign are asked for again by the clock of the app.
    const signIn = async (): Promise<number> => {
      clock.advanceSeconds(1);
      return (await browser.signIn('user 1')).status;
    };
    await expect.poll(signIn, waiting).toBe(201);
    await expect.poll(async () => (await browser.call('/me')).status, waiting).toBe(200);
    expect((await browser.refresh()).status).toBe(200);
  });
});
