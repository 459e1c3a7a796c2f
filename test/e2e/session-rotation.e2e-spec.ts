/** Refresh tokens in two instances of an app on PostgreSQL: many uses at once, lost answers, several tabs, and reuse. */
import type { AuthModuleOptions } from 'nest-gatehouse';
import { describe, expect } from 'vitest';
import { platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { runSql } from '../support/postgres.js';
import { claimsOf, type SessionClient, setCookiesOf, Users } from '../support/session-app.js';
import { startInstances } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';
import { refusedSession, verdictOf } from '../support/verdicts.js';

const it = onPostgres.it;

const refreshTokenOf = (answer: Answer): string =>
  setCookiesOf(answer)
    .find((line) => line.startsWith('__Host-refresh='))
    ?.split(/[=;]/)[1] ?? '';

/** A look-up of users that takes as long as the test wants. */
class SlowUsers extends Users {
  private readonly waiting: (() => void)[] = [];
  isHeld = false;

  readonly find = async (userId: string) => {
    if (this.isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.findSubject(userId);
  };

  get held(): number {
    return this.waiting.length;
  }

  /** Lets the one go on that came so many-th. */
  release(at: number): void {
    this.waiting[at]?.();
  }
}

describe.each(platforms)('refresh tokens of two instances, on $name', (platform) => {
  it('of a hundred uses at once all succeed, with one token, and the session lives on', async () => {
    const { one, other, clock, database } = await startInstances(platform);
    const browser = one.client();
    await browser.signIn('alice');
    for (let round = 0; round < 2; round += 1) {
      const used = browser.refreshToken;
      const tabs = Array.from({ length: 100 }, (_, at) => browser.fork(at % 2 === 0 ? one.app : other.app));
      const answers = await Promise.all(tabs.map((tab) => tab.refresh()));
      expect(answers.map(({ status }) => status)).toEqual(Array<number>(100).fill(200));
      const tokens = new Set(answers.map(refreshTokenOf));
      expect(tokens.size).toBe(1);
      expect([...tokens][0]).not.toBe(used);
      for (const tab of tabs) browser.jar.set('__Host-access', tab.accessToken);
      browser.jar.set('__Host-refresh', [...tokens][0] ?? '');
      clock.advanceSeconds(30);
      for (const { app } of [one, other]) expect((await browser.fork(app).call('/me')).status).toBe(200);
    }
    const rows = await runSql(`select generation, ended_at from ${database.schema}.sessions`);
    expect(rows).toEqual([{ generation: 2, ended_at: null }]);
  });

  it('an answer that was lost is given again at 9 s, and not at 11 s', async () => {
    const { one, other, clock } = await startInstances(platform);
    const browser = one.client();
    await browser.signIn('alice');
    const [early, late] = [browser.fork(other.app), browser.fork(other.app)];
    const lost = await browser.fork().refresh();
    clock.advanceSeconds(9);
    const again = await early.refresh();
    expect([again.status, early.refreshToken]).toEqual([200, refreshTokenOf(lost)]);
    expect(setCookiesOf(again)).toHaveLength(2);
    expect((await early.call('/me')).status).toBe(200);
    clock.advanceSeconds(2);
    expect(verdictOf(await late.refresh())).toEqual(refusedSession('revoked'));
  });

  it('three tabs 200 ms apart, with the slowest last, stay signed in', async () => {
    const users = new SlowUsers({ id: 'alice' });
    const { one, other, clock } = await startInstances(platform, { users, sessions: { findSubject: users.find } });
    const browser = one.client();
    await browser.signIn('alice');
    users.isHeld = true;
    const tabs = [one, other, one].map(({ app }) => browser.fork(app));
    const answers: Promise<Answer>[] = [];
    for (const tab of tabs) {
      answers.push(tab.refresh());
      await expect.poll(() => users.held).toBe(answers.length);
      clock.advanceSeconds(0.2);
    }
    // The one that came first is answered last, after the grace period of the others' replacement is over.
    for (const at of [1, 2]) {
      users.release(at);
      expect((await answers[at])?.status).toBe(200);
    }
    clock.advanceSeconds(15);
    users.release(0);
    expect((await answers[0])?.status).toBe(200);
    expect(new Set(tabs.map((tab) => tab.refreshToken)).size).toBe(1);
    users.isHeld = false;
    // All answers have arrived in one jar, the slowest last.
    clock.advanceSeconds(600);
    for (let time = 0; time < 3; time += 1) {
      expect((await tabs[0]?.refresh())?.status).toBe(200);
      clock.advanceSeconds(11);
    }
  });

  it('every answer within the grace period gives the current token, however many came since, and cookies', async () => {
    const { one, other, clock } = await startInstances(platform);
    const browser = one.client();
    await browser.signIn('alice');
    const first = browser.fork(other.app);
    for (let time = 0; time < 3; time += 1) {
      clock.advanceSeconds(2);
      await browser.refresh();
    }
    const answer = await first.refresh();
    expect([answer.status, first.refreshToken]).toEqual([200, browser.refreshToken]);
    expect(setCookiesOf(answer)).toHaveLength(2);
    expect(claimsOf(first.accessToken)['sid']).toBe(claimsOf(browser.accessToken)['sid']);
    expect((await first.call('/me')).status).toBe(200);
    clock.advanceSeconds(12);
    expect((await first.refresh()).status).toBe(200);
  });

  it('reuse after the grace period ends the session in both instances, with a warning and an event', async () => {
    const logger = new LogLines();
    const events: Parameters<NonNullable<AuthModuleOptions['onEvent']>>[0][] = [];
    const { one, other, clock } = await startInstances(platform, {
      logger,
      auth: { onEvent: (event) => events.push(event) },
    });
    const [browser, phone] = [one.client(), one.client()];
    await browser.signIn('alice');
    await phone.signIn('alice');
    const thief = browser.fork(other.app);
    await browser.refresh();
    clock.advanceSeconds(10);
    logger.forget();
    const refused = await thief.refresh();
    expect(verdictOf(refused)).toEqual(refusedSession('revoked'));
    expect(setCookiesOf(refused)).toEqual([]);
    // At once where it was noticed, soon in the other one.
    expect(verdictOf(await browser.fork(other.app).call('/me'))).toMatchObject({ status: 401, reason: 'revoked' });
    await expect.poll(async () => (await browser.call('/me')).status, { timeout: 5_000 }).toBe(401);
    for (const { app } of [one, other]) {
      expect(verdictOf(await browser.fork(app).refresh())).toEqual(refusedSession('revoked'));
    }
    expect((await phone.refresh()).status).toBe(200);
    const sid = String(claimsOf(browser.accessToken)['sid']);
    expect(events.filter(({ type }) => type === 'refresh-token-reused')).toEqual([
      { type: 'refresh-token-reused', sessionId: sid, userId: 'alice' },
    ]);
    expect(logger.ours('warn').map(({ text }) => text)).toEqual([expect.stringContaining(`Session ${sid} was ended`)]);
    const logged = logger.lines.map(({ text }) => text).join('\n');
    for (const token of [browser.refreshToken, thief.refreshToken, browser.accessToken])
      expect(logged).not.toContain(token);
  });

  it('a stolen token that comes to both instances at once is reported once', async () => {
    const logger = new LogLines();
    const { one, other, clock } = await startInstances(platform, { logger });
    const browser = one.client();
    await browser.signIn('alice');
    const thieves = Array.from({ length: 20 }, (_, at) => browser.fork(at % 2 === 0 ? one.app : other.app));
    await browser.refresh();
    clock.advanceSeconds(10);
    const answers = await Promise.all(thieves.map((thief) => thief.refresh()));
    for (const answer of answers) expect(verdictOf(answer)).toEqual(refusedSession('revoked'));
    expect(logger.ours('warn')).toHaveLength(1);
  });

  it('a hundred and fifty refreshes in turn within the grace period end no session', async () => {
    const { one, other, clock } = await startInstances(platform);
    const browser = one.client();
    await browser.signIn('alice');
    const tabs: SessionClient[] = [];
    for (let time = 0; time < 150; time += 1) {
      tabs.push(browser.fork(time % 2 === 0 ? other.app : one.app));
      expect((await browser.refresh()).status).toBe(200);
      clock.advanceSeconds(0.06);
    }
    const token = browser.refreshToken;
    const late = tabs[1]?.fork();
    for (const at of [0, 1, 2, 50, 99, 100, 101, 148, 149]) {
      expect((await tabs[at]?.refresh())?.status).toBe(200);
      expect(tabs[at]?.refreshToken).toBe(token);
    }
    clock.advanceSeconds(2);
    expect((await late?.refresh())?.status).toBe(401);
  });
});
