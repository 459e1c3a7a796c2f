/** The keys that sign own tokens: rotated while tokens live, of each algorithm, and for other apps that verify the tokens. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc } from 'nest-gatehouse';
import { type SigningAlgorithm, SigningKeys, SigningKeyStore } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import type { SessionClient } from '../support/session-app.js';
import { type SessionApp, type SessionAppParts, startSessionApp } from '../support/session-app.js';
import { settle } from '../support/shared-signing-keys.js';
import { startInstances } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';
import { invalidToken, refusedSession, verdictOf } from '../support/verdicts.js';

const day = 86_400;

const headerOf = (token: string): { alg: string; typ: string; kid: string } =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as never;

async function publishedBy(app: RunningApp): Promise<readonly { kid: string; alg: string }[]> {
  return ((await app.call('/.well-known/jwks.json')).json as { keys: { kid: string; alg: string }[] }).keys;
}

const kidsOf = async (app: RunningApp): Promise<string[]> => (await publishedBy(app)).map(({ kid }) => kid);

@Controller('orders')
class OrdersController {
  @UseGuards(AuthGuard)
  @Get()
  list(@CurrentUser() user: AuthUser): object {
    return { id: user.id, provider: user.provider, roles: user.roles, sessionId: user.sessionId };
  }
}

describe.each(platforms)('the keys of own tokens, on $name', (platform) => {
  onPostgres.it('are rotated while tokens live, in both instances', async () => {
    const { one, other, clock } = await startInstances(platform);
    const [old, fresh] = [one.client('body'), one.client('body')];
    await old.signIn('alice');
    expect((await old.fork(other.app).call('/me')).status).toBe(200);
    await one.app.nest.get(SigningKeys).rotate();
    await fresh.signIn('alice');
    const [oldKid, newKid] = [old, fresh].map(({ accessToken }) => headerOf(accessToken).kid);
    expect(newKid).not.toBe(oldKid);
    for (const client of [old, fresh]) {
      for (const { app } of [one, other]) expect((await client.fork(app).call('/me')).status).toBe(200);
    }
    expect(new Set(await kidsOf(other.app))).toEqual(new Set([oldKid, newKid]));
    // The other instance signs with the new key as well, once it has read it.
    const late = other.client('body');
    await expect
      .poll(
        async () => {
          clock.advanceSeconds(61);
          await late.signIn('bob');
          return headerOf(late.accessToken).kid;
        },
        { timeout: 5_000 },
      )
      .toBe(newKid);
    expect((await late.fork(one.app).call('/me')).status).toBe(200);
    expect((await old.refresh()).status).toBe(200);
    expect(headerOf(old.accessToken).kid).toBe(newKid);
  });

  it('are rotated by time: the next one is published a day before it signs', async () => {
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    const one = await startSessionApp(platform, { clock, stores });
    const other = await startSessionApp(platform, { clock, stores });
    const sign = async ({ client }: SessionApp): Promise<SessionClient> => {
      const signed = client('body');
      await signed.signIn('alice');
      return signed;
    };
    const first = headerOf((await sign(one)).accessToken).kid;
    // Keys are read again in the background, so an instance is asked twice.
    const settled = async ({ app }: SessionApp): Promise<string[]> => {
      await kidsOf(app);
      await settle();
      return kidsOf(app);
    };
    clock.advanceSeconds(88 * day);
    expect(await settled(one)).toEqual([first]);
    clock.advanceSeconds(1 * day + 120);
    await sign(one);
    await expect.poll(() => settled(one)).toHaveLength(2);
    const second = (await kidsOf(one.app)).find((kid) => kid !== first);
    clock.advanceSeconds(61);
    await expect.poll(() => settled(other)).toHaveLength(2);
    for (const each of [one, other]) expect(headerOf((await sign(each)).accessToken).kid).toBe(first);
    clock.advanceSeconds(day - 300);
    const before = await sign(other);
    clock.advanceSeconds(600 - 120);
    for (const each of [one, other]) {
      const signed = await sign(each);
      expect(headerOf(signed.accessToken).kid).toBe(second);
      for (const { app } of [one, other]) expect((await signed.fork(app).call('/me')).status).toBe(200);
    }
    expect(headerOf(before.accessToken).kid).toBe(first);
    expect((await before.fork(one.app).call('/me')).status).toBe(200);
    // Retired keys are published while their tokens may live, and then removed.
    clock.advanceSeconds(3_600 + 700);
    await sign(one);
    await expect.poll(() => settled(one)).toEqual([second]);
    clock.advanceSeconds(61);
    await expect.poll(() => settled(other)).toEqual([second]);
    expect(verdictOf(await before.fork(other.app).call('/me')).status).toBe(401);
    expect((await before.refresh()).status).toBe(200);
    expect((await before.call('/me')).status).toBe(200);
  });

  it('that were removed from the store verify nothing any more', async () => {
    const { app, client, clock } = await startSessionApp(platform);
    const browser = client();
    await browser.signIn('alice');
    const { kid } = headerOf(browser.accessToken);
    await app.nest.get(SigningKeys).rotate();
    await app.nest.get(SigningKeyStore).remove([kid]);
    const verdict = async (): Promise<unknown> => {
      clock.advanceSeconds(61);
      const answer = await browser.call('/me');
      return answer.status === 200 ? 'passed' : verdictOf(answer);
    };
    await expect.poll(verdict, { timeout: 5_000 }).toEqual(invalidToken('key'));
    expect((await browser.refresh()).status).toBe(200);
    expect((await browser.call('/me')).status).toBe(200);
  });

  it.each<SigningAlgorithm>(['ES256', 'EdDSA', 'RS256'])('may be of %s', async (algorithm) => {
    const { app, client } = await startSessionApp(platform, { sessions: { accessToken: { algorithm } } });
    const browser = client();
    await browser.signIn('alice');
    expect(headerOf(browser.accessToken)).toMatchObject({ alg: algorithm, typ: 'at+jwt' });
    expect(await publishedBy(app)).toEqual([expect.objectContaining({ alg: algorithm, use: 'sig' })]);
    expect((await browser.call('/me')).status).toBe(200);
    expect((await browser.refresh()).status).toBe(200);
  });

  it('change their algorithm when the option does, and tokens of the former one stay valid', async () => {
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    const before = await startSessionApp(platform, { clock, stores });
    const browser = before.client();
    await browser.signIn('alice');
    const accessToken = { algorithm: 'EdDSA', lifetimeSeconds: 3_600 } as const;
    const after = await startSessionApp(platform, {
      clock,
      stores,
      sessions: { accessToken, publishAheadSeconds: 0 },
    });
    expect((await browser.fork(after.app).call('/me')).status).toBe(200);
    await after.app.nest.get(SigningKeys).rotate();
    const other = after.client();
    await other.signIn('alice');
    expect(headerOf(other.accessToken).alg).toBe('EdDSA');
    expect((await browser.fork(after.app).call('/me')).status).toBe(200);
    expect((await other.call('/me')).status).toBe(200);
  });

  it('sign nothing for another app', async () => {
    const start = (publicUrl: string, parts: SessionAppParts = {}): Promise<SessionApp> =>
      startSessionApp(platform, { ...parts, auth: { publicUrl } });
    const mine = await start('https://api.example.com');
    const theirs = await start('https://other.example');
    // Another installation with the same name, and keys of its own.
    const twin = await start('https://api.example.com');
    const audience = await start('https://api.example.com', { sessions: { audience: 'https://other.example' } });
    const signIn = async (story: SessionApp): Promise<string> => {
      const client = story.client('body');
      await client.signIn('alice');
      return client.accessToken;
    };
    expect(verdictOf(await mine.app.call('/me', { token: await signIn(theirs) }))).toEqual(invalidToken('issuer'));
    expect(verdictOf(await mine.app.call('/me', { token: await signIn(twin) }))).toEqual(invalidToken('key'));
    expect(verdictOf(await mine.app.call('/auth/me', { token: await signIn(twin) }))).toEqual(invalidToken('key'));
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    const one = await start('https://api.example.com', { clock, stores });
    const narrow = await start('https://api.example.com', { clock, stores, sessions: { audience: ['b', 'c'] } });
    for (const path of ['/me', '/auth/me']) {
      expect(verdictOf(await one.app.call(path, { token: await signIn(narrow) }))).toEqual(invalidToken('audience'));
      expect((await narrow.app.call(path, { token: await signIn(narrow) })).status).toBe(200);
    }
    expect((await audience.app.call('/me', { token: await signIn(audience) })).status).toBe(200);
  });

  it('sign access tokens of the type at+jwt, and nothing else that they sign passes as one', async () => {
    const { app, client } = await startSessionApp(platform);
    const phone = client('body');
    await phone.signIn('alice');
    const keys = app.nest.get(SigningKeys);
    const signAs = async (typ: string): Promise<string> => {
      const { kid, algorithm: alg } = await keys.current();
      const header = Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url');
      const signed = `${header}.${phone.accessToken.split('.')[1] ?? ''}`;
      return `${signed}.${Buffer.from(await keys.sign(kid, Buffer.from(signed))).toString('base64url')}`;
    };
    for (const path of ['/me', '/auth/me']) {
      expect((await app.call(path, { token: await signAs('at+jwt') })).status).toBe(200);
      for (const typ of ['JWT', 'login-response+jwt']) {
        expect(verdictOf(await app.call(path, { token: await signAs(typ) }))).toEqual(invalidToken('type'));
      }
    }
  });

  it('tell access tokens and refresh tokens apart', async () => {
    const { app, client } = await startSessionApp(platform);
    const phone = client('body');
    await phone.signIn('alice');
    const { accessToken, refreshToken } = phone;
    for (const path of ['/me', '/auth/me', '/auth/sessions']) {
      expect(verdictOf(await app.call(path, { token: refreshToken }))).toEqual(invalidToken('type'));
      const cookie = [['Cookie', `__Host-access=${refreshToken}`]] as const;
      expect(verdictOf(await app.call(path, { headers: cookie }))).toEqual(invalidToken('type'));
    }
    const headers = [['Content-Type', 'application/json']] as const;
    const body = JSON.stringify({ refresh_token: accessToken });
    expect(verdictOf(await app.call('/auth/refresh', { method: 'POST', headers, body }))).toEqual(
      refusedSession('malformed'),
    );
    const cookie = [['Cookie', `__Host-refresh=${accessToken}`]] as const;
    expect(verdictOf(await app.call('/auth/refresh', { method: 'POST', headers: cookie }))).toEqual(
      refusedSession('malformed'),
    );
    expect((await phone.refresh()).status).toBe(200);
  });

  it.each(['', '/tenant'])(
    'are found by another app, which verifies the tokens, at the issuer path %j',
    async (path) => {
      const clock = new ManualClock();
      const port = await freePort();
      const publicUrl = `http://localhost:${port}`;
      const issuer = `${publicUrl}${path}`;
      const story = await startSessionApp(platform, {
        clock,
        auth: { publicUrl },
        sessions: { issuer, audience: ['https://orders.example', publicUrl] },
        port,
      });
      const audience = 'https://orders.example';
      const orders = await startApp(platform, {
        imports: [AuthModule.forRoot({ issuers: oidc({ issuer, audience, tokenType: 'at+jwt' }), clock })],
        controllers: [OrdersController],
      });
      const browser = story.client();
      await browser.signIn('alice');
      expect((await browser.call('/me')).status).toBe(200);
      const answer = await orders.call('/orders', { token: browser.accessToken });
      expect(answer.json).toMatchObject({ id: 'alice', provider: 'oidc', roles: ['admin'] });
      await story.app.nest.get(SigningKeys).rotate();
      await browser.refresh();
      clock.advanceSeconds(120);
      expect((await orders.call('/orders', { token: browser.accessToken })).status).toBe(200);
      expect(verdictOf(await orders.call('/orders', { token: browser.refreshToken })).status).toBe(401);
      clock.advanceSeconds(600);
      expect(verdictOf(await orders.call('/orders', { token: browser.accessToken }))).toEqual(invalidToken('expired'));
    },
  );
});
