/** The routes of sessions: the list, ending one or all of them, the user, and who may call them. */
import { oidc } from 'nest-gatehouse';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { platforms, startIssuer } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { basic, KeyScheme } from '../support/key-scheme.js';
import { ManualClock } from '../support/manual-clock.js';
import { claimsOf, type SessionClient, setCookiesOf, startSessionApp, Users } from '../support/session-app.js';
import { ownTokens } from 'nest-gatehouse/sessions';
import { startInstances } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';
import { accessDenied, invalidToken, missingToken, refusedSession, verdictOf } from '../support/verdicts.js';

interface Item {
  readonly id: string;
  readonly current: boolean;
}

interface Listed {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

const sessionRoutes = [
  ['GET', '/auth/me'],
  ['GET', '/auth/sessions'],
  ['POST', '/auth/sign-out-everywhere'],
  ['DELETE', '/auth/sessions/01950000-0000-7000-8000-000000000001'],
] as const;

const idOf = (client: SessionClient): string => String(claimsOf(client.accessToken)['sid']);
const list = async (client: SessionClient, query = ''): Promise<Listed> =>
  (await client.call(`/auth/sessions${query}`)).json as Listed;
const end = (client: SessionClient, id: string): Promise<Answer> =>
  client.call(`/auth/sessions/${id}`, { method: 'DELETE' });

describe.each(platforms)('signing out everywhere, on $name', (platform) => {
  onPostgres.it('is seen by a second instance within revocation.refreshSeconds', async () => {
    const { one, other } = await startInstances(platform);
    const clients = [one.client(), other.client(), one.client('body')];
    for (const client of clients) await client.signIn('alice');
    const bob = other.client();
    await bob.signIn('bob');
    const [browser = bob] = clients;
    const answer = await browser.fork(other.app).post('/auth/sign-out-everywhere');
    expect([answer.status, setCookiesOf(answer).length]).toEqual([204, 2]);
    for (const client of clients) {
      for (const { app } of [one, other]) {
        const tab = client.fork(app);
        await expect.poll(async () => (await tab.call('/me')).status, { timeout: 3_000 }).toBe(401);
        expect(verdictOf(await tab.call('/me'))).toEqual(invalidToken('revoked'));
        expect(verdictOf(await tab.refresh())).toEqual(refusedSession('revoked'));
      }
    }
    expect((await bob.call('/me')).status).toBe(200);
    expect((await bob.refresh()).status).toBe(200);
    // In the same second.
    await browser.signIn('alice');
    for (const { app } of [one, other]) expect((await browser.fork(app).call('/me')).status).toBe(200);
  });

  it('can leave the session that asks for it, and its cookies', async () => {
    const { client } = await startSessionApp(platform);
    const [browser, phone] = [client(), client('body')];
    await browser.signIn('alice');
    await phone.signIn('alice');
    const answer = await browser.post('/auth/sign-out-everywhere', { exceptThis: true });
    expect([answer.status, setCookiesOf(answer)]).toEqual([204, []]);
    expect(verdictOf(await phone.call('/me'))).toEqual(invalidToken('revoked'));
    expect(verdictOf(await phone.refresh())).toEqual(refusedSession('revoked'));
    expect((await browser.call('/me')).status).toBe(200);
    expect((await browser.refresh()).status).toBe(200);
    for (const exceptThis of ['true', 1, {}, []]) {
      const refused = await browser.post('/auth/sign-out-everywhere', { exceptThis });
      expect(refused.json).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'exceptThis' }] });
    }
    expect((await browser.post('/auth/sign-out-everywhere', { exceptThis: false })).status).toBe(204);
    expect(browser.jar.size).toBe(0);
  });
});

describe.each(platforms)('the list of sessions, on $name', (platform) => {
  it('shows those of the user, the newest first, in parts', async () => {
    const { client, clock } = await startSessionApp(platform);
    const browser = client();
    const others = Array.from({ length: 4 }, () => client('body'));
    for (const each of [browser, ...others]) {
      await each.call('/sign-in', {
        method: 'POST',
        json: { userId: 'alice', amr: ['pwd', 'otp'] },
        headers: [['User-Agent', `Agent ${others.indexOf(each)}`]],
      });
      clock.advanceSeconds(1);
    }
    await client().signIn('bob');
    const ids = [...others].reverse().map(idOf);
    const all = await list(browser);
    expect(all.items.map(({ id }) => id)).toEqual([...ids, idOf(browser)]);
    expect(all.items.map(({ current }) => current)).toEqual([false, false, false, false, true]);
    expect(all.nextCursor).toBeNull();
    expect(all.items.at(-1)).toEqual({
      id: idOf(browser),
      createdAt: '2026-01-01T00:00:00.000Z',
      lastUsedAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-01-15T00:00:00.000Z',
      userAgent: 'Agent -1',
      ipAddress: '127.0.0.1',
      amr: ['pwd', 'otp'],
      current: true,
    });
    const first = await list(browser, '?limit=2');
    expect(first).toMatchObject({ items: all.items.slice(0, 2), nextCursor: ids[1] });
    const second = await list(browser, `?limit=2&cursor=${first.nextCursor}`);
    expect(second.items).toEqual(all.items.slice(2, 4));
    const third = await list(browser, `?cursor=${second.nextCursor}&limit=2`);
    expect(third).toEqual({ items: all.items.slice(4), nextCursor: null });
    expect(await list(browser, '?limit=5')).toEqual(all);
  });

  it.each(['limit=0', 'limit=201', 'limit=1.5', 'limit=-1', 'limit=', 'limit=x', 'limit=1&limit=2', 'limit=NaN'])(
    'refuses %s',
    async (query) => {
      const { client } = await startSessionApp(platform);
      const browser = client();
      await browser.signIn('alice');
      expect((await browser.call(`/auth/sessions?${query}`)).json).toMatchObject({
        statusCode: 400,
        code: 'INVALID_INPUT',
        fields: [{ path: 'limit' }],
      });
    },
  );

  it('refuses a cursor that it has not given', async () => {
    const { client } = await startSessionApp(platform);
    const browser = client();
    await browser.signIn('alice');
    for (const query of ['cursor=', 'cursor=x', 'cursor=%00', 'cursor=1&cursor=2', "cursor=' or 1=1"]) {
      const { json } = await browser.call(`/auth/sessions?${query.replaceAll(' ', '%20')}`);
      expect(json).toMatchObject({ statusCode: 400, code: 'INVALID_INPUT', fields: [{ path: 'cursor' }] });
    }
  });

  it('is where sessions are ended, each by its own user', async () => {
    const { client } = await startSessionApp(platform);
    const [browser, phone, bob] = [client(), client('body'), client()];
    await browser.signIn('alice');
    await phone.signIn('alice');
    await bob.signIn('bob');
    const notFound = { status: 404, json: { code: 'NOT_FOUND' } };
    for (const id of [idOf(bob), '01950000-0000-7000-8000-000000000001', 'x', 'me', '%00', "'"]) {
      expect(await end(browser, id)).toMatchObject(notFound);
    }
    expect((await bob.call('/me')).status).toBe(200);
    const ended = await end(browser, idOf(phone));
    expect([ended.status, setCookiesOf(ended)]).toEqual([204, []]);
    expect(await end(browser, idOf(phone))).toMatchObject(notFound);
    expect(verdictOf(await phone.call('/me'))).toEqual(invalidToken('revoked'));
    const own = await end(browser, idOf(browser));
    expect([own.status, setCookiesOf(own).length, browser.jar.size]).toEqual([204, 2, 0]);
  });

  it('leaves out what has ended or expired', async () => {
    const { client, clock } = await startSessionApp(platform, { sessions: { session: { idleSeconds: 3_600 } } });
    const [old, browser] = [client(), client()];
    await old.signIn('alice');
    clock.advanceSeconds(3_000);
    await browser.signIn('alice');
    expect((await list(browser)).items).toHaveLength(2);
    clock.advanceSeconds(600);
    await browser.refresh();
    expect((await list(browser)).items).toEqual([expect.objectContaining({ id: idOf(browser) })]);
    expect(verdictOf(await old.refresh())).toEqual(refusedSession('expired'));
  });
});

describe.each(platforms)('the routes of sessions, on $name', (platform) => {
  it('are not for API keys and tokens of other issuers', async () => {
    const clock = new ManualClock();
    const issuer = await startIssuer({ clock });
    const keys = new KeyScheme(clock);
    keys.add('key_1', { id: 'k1' });
    const issuers = [ownTokens(), oidc({ issuer: issuer.url, audience: 'api' })];
    const { app } = await startSessionApp(platform, { clock, auth: { issuers, schemes: [keys] } });
    const foreign = await issuer.token({ sub: 'alice', aud: 'api', sid: 's1' });
    const headers = { key: [['X-Api-Key', 'key_1']], basic: [['Authorization', basic('k1', 'key_1')]] } as const;
    expect((await app.call('/me', { headers: headers.key })).status).toBe(200);
    expect((await app.call('/me', { token: foreign })).status).toBe(200);
    for (const [method, path] of sessionRoutes) {
      expect(verdictOf(await app.call(path, { method, headers: headers.key }))).toEqual(accessDenied);
      expect(verdictOf(await app.call(path, { method, headers: headers.basic }))).toEqual(accessDenied);
      expect(verdictOf(await app.call(path, { method, token: foreign }))).toEqual(accessDenied);
      expect(verdictOf(await app.call(path, { method }))).toEqual(missingToken);
      const refused = verdictOf(await app.call(path, { method, token: `grt_${'A'.repeat(70)}` }));
      expect(refused).toEqual(invalidToken('type'));
    }
  });

  it('take anonymous users, whom guarded routes refuse unless they are allowed', async () => {
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    const users = new Users({ id: 'guest', isAnonymous: true });
    const strict = await startSessionApp(platform, { clock, stores, users });
    const open = await startSessionApp(platform, { clock, stores, users, own: { allowAnonymous: true } });
    const guest = strict.client();
    expect((await guest.signIn('guest')).json).toMatchObject({ user: { isAnonymous: true } });
    expect(verdictOf(await guest.call('/me'))).toEqual(invalidToken('issuer'));
    expect((await guest.fork(open.app).call('/me')).json).toMatchObject({ id: 'guest', isAnonymous: true });
    expect((await guest.call('/auth/me')).json).toMatchObject({ user: { id: 'guest', isAnonymous: true } });
    expect((await list(guest)).items).toHaveLength(1);
    expect((await guest.refresh()).status).toBe(200);
    expect((await guest.post('/auth/sign-out-everywhere', { exceptThis: true })).status).toBe(204);
    expect((await end(guest, idOf(guest))).status).toBe(204);
    expect(verdictOf(await guest.fork(open.app).refresh())).toEqual(missingToken);
  });

  it('sign in anew by ending the session in hand, also with an expired access token', async () => {
    const { client, clock } = await startSessionApp(platform);
    const [browser, other] = [client(), client()];
    await other.signIn('alice');
    await browser.signIn('alice');
    const before = browser.fork();
    await browser.signIn('bob');
    expect(verdictOf(await before.call('/me'))).toEqual(invalidToken('revoked'));
    expect(verdictOf(await before.refresh())).toEqual(refusedSession('revoked'));
    clock.advanceSeconds(3_000);
    const bob = browser.fork();
    await browser.signIn('alice');
    expect(verdictOf(await bob.refresh())).toEqual(refusedSession('revoked'));
    // Sessions of other clients stay.
    expect((await other.refresh()).status).toBe(200);
    expect((await list(browser)).items).toHaveLength(2);
  });
});
