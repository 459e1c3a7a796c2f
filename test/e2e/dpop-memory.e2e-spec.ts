/** How many used proofs a process remembers: one client takes a part of them, and all together take no more than there is room for. */
import { DpopReplayStore } from 'nest-gatehouse';
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp } from '../support/app.js';
import { DpopStand } from '../support/dpop-app.js';
import { DpopKey, dpopHeaders } from '../support/dpop-key.js';
import { basic } from '../support/key-store-app.js';
import { LogLines } from '../support/log-lines.js';
import { publicUrl } from '../support/session-app.js';
import { grant, post, startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { unavailable, verdictOf } from '../support/verdicts.js';

/** What a process remembers by default, and the tenth of it that is for one key. */
const room = 300_000;
const roomOfOneKey = 30_000;
const tooMany = { status: 429, challenge: undefined, code: 'TOO_MANY_ATTEMPTS' };

describe.each(platforms)('the memory for used proofs on $name', (platform) => {
  let stand: DpopStand;
  beforeAll(async () => {
    stand = await DpopStand.open(platform);
  });

  /** An app, the store that it has, and what fills that with proofs of some key. */
  const start = async () => {
    const logger = new LogLines();
    const app = await stand.start({}, { imports: [memoryStores({ clock: stand.clock })], logger });
    const store = app.nest.get(DpopReplayStore, { strict: false });
    const now = stand.clock.now();
    const fill = async (jkt: string, count: number) => {
      for (let at = 0; at < count; at += 1) {
        await store.remember(`${jkt}.${at}`, new Date(now.getTime() + 305_000), now, jkt);
      }
    };
    return { app, fill, logger };
  };
  const call = async (app: RunningApp, key: DpopKey, path = '/cats') => {
    const token = await stand.token({ cnf: { jkt: key.jkt } });
    return app.call(path, { headers: dpopHeaders(token, stand.proof(app, token, { url: `${app.url}${path}` }, key)) });
  };

  it('has a tenth for one key, which is then answered with 429, while others pass', async () => {
    const { app, fill, logger } = await start();
    const [busy, other] = [new DpopKey(), new DpopKey()];
    await fill(busy.jkt, roomOfOneKey - 1);
    expect((await call(app, busy)).status).toBe(200);
    const refused = await call(app, busy);
    expect(verdictOf(refused)).toEqual(tooMany);
    expect(refused.json).toMatchObject({ message: 'Too many DPoP proofs of one key' });
    expect(refused.headers['retry-after']).toBe('305');
    expect((await call(app, other)).status).toBe(200);
    expect(logger.ours('debug').map(({ text }) => text)).toEqual([
      expect.stringMatching(/refused \(TOO_MANY_ATTEMPTS\)\. 30000 DPoP proofs of its key are remembered/),
    ]);
    stand.clock.advanceSeconds(306);
    expect((await call(app, busy)).status).toBe(200);
  });

  it('is full for everyone when many keys have filled it, which is 503, and no used proof is forgotten for it', async () => {
    const { app, fill } = await start();
    const [first, other] = [new DpopKey(), new DpopKey()];
    const token = await stand.token({ cnf: { jkt: first.jkt } });
    const used = dpopHeaders(token, stand.proof(app, token, {}, first));
    expect((await app.call('/cats', { headers: used })).status).toBe(200);
    for (let at = 0; at < 9; at += 1) await fill(`key ${at}`, roomOfOneKey);
    await fill('last key', room - 9 * roomOfOneKey - 1);
    const refused = await call(app, other);
    expect(verdictOf(refused)).toEqual(unavailable);
    expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    expect(verdictOf(await app.call('/cats', { headers: used }))).toMatchObject({ status: 401, reason: 'proof' });
    expect((await app.call('/cats', { token: await stand.token() })).status).toBe(200);
  });

  it('has a tenth for one key at the token endpoint as well', async () => {
    const endpoint = await startTokenEndpointApp(platform, { auth: { dpop: 'accept' } });
    const { id, secret } = await endpoint.service.create({ userId: 'alice', scopes: [] });
    const store = endpoint.app.nest.get(DpopReplayStore, { strict: false });
    const [busy, other] = [new DpopKey(), new DpopKey()];
    const now = endpoint.clock.now();
    for (let at = 0; at < roomOfOneKey; at += 1) {
      await store.remember(`${at}`, new Date(now.getTime() + 305_000), now, busy.jkt);
    }
    const ask = (key: DpopKey) => {
      const proof = key.proof({ method: 'POST', url: `${publicUrl}/oauth/token`, at: now });
      return post(endpoint, '/oauth/token', grant, {
        headers: [...(basic(id, secret).headers ?? []), ['DPoP', proof]],
      });
    };
    const refused = await ask(busy);
    expect([refused.status, refused.json, refused.headers['retry-after']]).toEqual([
      429,
      { error: 'temporarily_unavailable' },
      '305',
    ]);
    expect((await ask(other)).status).toBe(200);
  });
});
