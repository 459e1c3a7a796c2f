/** API keys of two instances that share PostgreSQL: created, revoked, rotated and used at either one, and an outage of the database. */
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAfterwards, platforms } from '../support/app.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { bearer, type KeyStoreApp, startKeyStoreApp } from '../support/key-store-app.js';
import { ManualClock } from '../support/manual-clock.js';
import { dropSchema, newSchemaName, postgresMissing, runSql } from '../support/postgres.js';
import { Users } from '../support/session-app.js';
import { unavailable, verdictOf } from '../support/verdicts.js';

const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
const soon = { timeout: 20_000, interval: 100 };

describe.skipIf(postgresMissing !== undefined).each(platforms)('API keys in PostgreSQL on $name', (platform) => {
  const schema = newSchemaName();
  const users = new Users({ id: 'alice', roles: ['keeper'] });
  let clock: ManualClock;
  let proxy: DatabaseProxy;
  let one: KeyStoreApp;
  let other: KeyStoreApp;
  endAfterwards(() => dropSchema(schema));

  const start = (): Promise<KeyStoreApp> => {
    const database = postgres(proxy.url);
    return startKeyStoreApp(platform, {
      clock,
      users,
      auth: { revocation: { refreshSeconds: 1 } },
      stores: [SqlStoresModule.forRoot({ database, schema, encryptionKey })],
    });
  };
  const statusAt = async ({ app }: KeyStoreApp, text: string, path = '/caller'): Promise<number> =>
    (await app.call(path, bearer(text))).status;
  const both = (text: string): Promise<readonly number[]> => Promise.all([statusAt(one, text), statusAt(other, text)]);

  beforeEach(async () => {
    clock = new ManualClock();
    proxy = await DatabaseProxy.start();
    await proxy.forward();
    [one, other] = [await start(), await start()];
  }, 30_000);

  afterEach(async () => {
    await proxy.forward();
    await Promise.all([one.app.nest.close(), other.app.nest.close()]);
    await proxy.refuse();
  }, 30_000);

  it('work at both, end at once where they are revoked, and elsewhere within the seconds of the revocation', async () => {
    const { id, text } = await one.service.create({ userId: 'alice', scopes: ['cats:write'] });
    expect(await both(text)).toEqual([200, 200]);
    expect(await statusAt(other, text, '/adopt')).toBe(200);
    await one.service.revoke(id);
    expect(await statusAt(one, text)).toBe(401);
    // The clock stands still, so it is the revocation that is noticed, and not the end of cacheSeconds.
    await expect.poll(() => statusAt(other, text), soon).toBe(401);
    expect((await other.app.call('/caller', bearer(text))).json).toMatchObject({ reason: 'revoked' });
  });

  it('are rotated at one: the new secret works at the other at once, the old one for the grace', async () => {
    const first = await one.service.create({ userId: 'alice' });
    expect(await both(first.text)).toEqual([200, 200]);
    const second = await one.service.rotate(first.id, { graceSeconds: 60 });
    expect([await both(second.text), await both(first.text)]).toEqual([
      [200, 200],
      [200, 200],
    ]);
    clock.advanceSeconds(60);
    expect([await both(second.text), await both(first.text)]).toEqual([
      [200, 200],
      [401, 401],
    ]);
    const leaked = await other.service.rotate(first.id, { graceSeconds: 0 });
    expect([await statusAt(other, second.text), await statusAt(one, leaked.text)]).toEqual([401, 200]);
    await expect.poll(() => statusAt(one, second.text), soon).toBe(401);
  });

  it('have the time of their last use, which is stored when an instance stops and never while a request waits', async () => {
    const { id, text } = await one.service.create({ userId: 'alice' });
    const lastUse = async (): Promise<unknown> =>
      (await runSql(`select last_used_at from "${schema}".api_keys where id = $1`, [id]))[0]?.['last_used_at'];
    const usedAt = clock.now();
    for (let use = 0; use < 5; use += 1) expect(await statusAt(other, text)).toBe(200);
    expect(await lastUse()).toBeNull();
    await other.app.nest.close();
    expect(await lastUse()).toEqual(usedAt);
    expect((await one.service.find(id))?.lastUsedAt).toEqual(usedAt);
    other = await start();
  });

  it('that are known work for cacheSeconds while the database is cut off, others get 503; all work when it is back', async () => {
    const [known, fresh] = [
      await one.service.create({ userId: 'alice' }),
      await one.service.create({ userId: 'alice' }),
    ];
    const replaced = await one.service.create({ userId: 'alice' });
    await one.service.rotate(replaced.id, { graceSeconds: 0 });
    expect(await both(known.text)).toEqual([200, 200]);
    await proxy.refuse();
    clock.advanceSeconds(29);
    for (let use = 0; use < 3; use += 1) {
      expect(await both(known.text)).toEqual([200, 200]);
      for (const stand of [one, other]) {
        const answer = await stand.app.call('/caller', bearer(fresh.text));
        expect(verdictOf(answer)).toEqual(unavailable);
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
        // Whether a secret is wrong cannot be known now, so it is no refusal; that a key is mistyped can.
        expect(await statusAt(stand, replaced.text)).toBe(503);
        expect(await statusAt(stand, `${fresh.id}_${known.secret}`)).toBe(401);
      }
    }
    clock.advanceSeconds(1);
    expect(await both(known.text)).toEqual([503, 503]);
    await expect(one.service.create({ userId: 'alice' })).rejects.toMatchObject({ code: 'SERVER_ERROR' });
    await proxy.forward();
    for (const text of [known.text, fresh.text]) {
      await expect.poll(() => both(text), soon).toEqual([200, 200]);
    }
    expect(await both(replaced.text)).toEqual([401, 401]);
  });
});
