/** Instances of an app that are killed while they refresh sessions. Nobody loses a session by that. */
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { send } from '../support/http.js';
import { bundleKilledApp, KilledProcess } from '../support/killed-process.js';
import { postgresMissing, runSql } from '../support/postgres.js';
import { SharedDatabase } from '../support/session-instances.js';

const clients = 12;
/** How many refreshes are interrupted at least, and how many processes are killed. More take a minute for each fifty. */
const interruptions = Number(process.env['GATEHOUSE_INTERRUPTIONS'] ?? 100);

/** Keeps the last refresh token that it was given, and nothing else. */
class KeptSession {
  private refreshToken = '';
  interrupted = 0;
  readonly refusals: unknown[] = [];

  async signIn(url: string, userId: string): Promise<void> {
    await this.post(`${url}/sign-in`, { userId });
  }

  /** @returns whether there was an answer */
  async refresh(url: string): Promise<boolean> {
    try {
      await this.post(`${url}/auth/refresh`, { refresh_token: this.refreshToken });
      return true;
    } catch {
      this.interrupted += 1;
      return false;
    }
  }

  private async post(url: string, json: object): Promise<void> {
    const headers = [['Content-Type', 'application/json']] as const;
    const answer = await send(new URL(url), { method: 'POST', headers, body: JSON.stringify(json) });
    const { refresh_token: token } = (answer.json ?? {}) as { refresh_token?: string };
    if (answer.status < 300 && token !== undefined) this.refreshToken = token;
    else this.refusals.push(answer.json ?? answer.text);
  }
}

beforeAll(async () => {
  if (postgresMissing === undefined) await bundleKilledApp();
}, 60_000);

const moments = ['before the write', 'after the write', 'at random'] as const;

describe('an app that is killed in the middle of refreshes', () => {
  it(`${interruptions} times loses no session, and the last token of each client works`, {
    timeout: 60_000 + 2_000 * interruptions,
  }, async (context) => {
    if (postgresMissing !== undefined) context.skip(postgresMissing);
    const { schema } = new SharedDatabase();
    const startNext = (kills: number): Promise<KilledProcess> =>
      KilledProcess.start(platforms[kills % platforms.length]?.name ?? '', schema);
    let running = await startNext(0);
    const sessions = Array.from({ length: clients }, () => new KeptSession());
    await Promise.all(sessions.map((session, at) => session.signIn(running.url, `user ${at}`)));
    const interrupted = (): number => sessions.reduce((sum, session) => sum + session.interrupted, 0);
    for (let kills = 0; interrupted() < interruptions; kills += 1) {
      const { url } = running;
      const next = startNext(kills + 1);
      const moment = moments[kills % moments.length] ?? 'at random';
      // Each client refreshes again and again until the process is dead.
      const dying = sessions.map(async (session) => {
        while (await session.refresh(url));
      });
      if (moment === 'at random') setTimeout(() => void running.kill(), 200 * Math.random());
      else await running.dieAt(moment);
      await Promise.all(dying);
      await expect.poll(() => running.isDead, { timeout: 10_000 }).toBe(true);
      running = await next;
      const answered = await Promise.all(sessions.map((session) => session.refresh(running.url)));
      expect(answered).toEqual(Array<boolean>(clients).fill(true));
      expect(sessions.flatMap(({ refusals }) => refusals)).toEqual([]);
    }
    const rows = await runSql(`select user_id, generation from ${schema}.sessions where ended_at is null`);
    expect(rows).toHaveLength(clients);
    const revoked = await runSql(`select 1 from ${schema}.revocations`);
    expect(revoked).toEqual([]);
    await running.kill();
  });
});
