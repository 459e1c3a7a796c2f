/** People sign in by a provider: by links, and in frontends that are called back themselves. */
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { codeOf } from '../support/account-app.js';
import {
  beginAsFrontend,
  callbackUrl,
  goToProvider,
  locationOf,
  page,
  pathOf,
  signInByLink,
  startLoginApp,
} from '../support/login-app.js';
import { loginClient } from '../support/login-provider.js';
import { claimsOf, setCookiesOf } from '../support/session-app.js';

describe.each(platforms)('signing in by a provider on $name', (platform) => {
  it('leads a browser to the provider and back, makes the account once, and finds it by the identity alone', async () => {
    const { provider, client, accounts, clock, events } = await startLoginApp(platform);
    const browser = client();
    const start = await browser.call('/auth/login/corp?returnTo=%2Forders%3Fopen%3D1');
    expect(start.status).toBe(302);
    expect(start.headers['cache-control']).toBe('no-store');
    const [cookie = '', ...others] = setCookiesOf(start);
    expect(others).toEqual([]);
    expect(cookie).toMatch(
      /^__Host-login\.[\w-]{8}=[\w-]{100,}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
    );
    const { searchParams: sent } = new URL(start.headers['location'] ?? '');
    expect(Object.fromEntries(sent)).toEqual({
      response_type: 'code',
      client_id: loginClient.clientId,
      redirect_uri: callbackUrl,
      scope: 'openid email profile',
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
    });

    const answer = await browser.call(pathOf(provider.authorize(start.headers['location'] ?? '')));
    expect(locationOf(answer)).toBe(`${page}/orders?open=1&new=1`);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect([...browser.jar.keys()].sort()).toEqual(['__Host-access', '__Host-refresh']);
    expect(claimsOf(browser.accessToken)).toMatchObject({ amr: ['fed'], auth_time: clock.now().getTime() / 1_000 });
    const [exchange] = provider.exchanges;
    expect([...(exchange ?? [])].map(([name]) => name).sort()).toEqual([
      'code',
      'code_verifier',
      'grant_type',
      'redirect_uri',
    ]);
    expect(exchange?.get('redirect_uri')).toBe(callbackUrl);
    const me = await browser.call('/auth/me');
    expect(me.json).toMatchObject({
      user: { email: 'ada@example.com', emailVerified: true, name: 'Ada', isAnonymous: false, hasPassword: false },
    });

    provider.person = { sub: 'p-1', email: 'other@example.com', email_verified: true, name: 'Renamed' };
    const again = client();
    expect(locationOf(await signInByLink(again, provider))).toBe(`${page}/`);
    expect(claimsOf(again.accessToken)['sub']).toBe(claimsOf(browser.accessToken)['sub']);
    expect((await accounts.list()).items).toHaveLength(1);
    expect(await accounts.identities(String(claimsOf(again.accessToken)['sub']))).toEqual([
      { provider: 'corp', subject: 'p-1', email: 'ada@example.com', linkedAt: expect.any(Date) as Date },
    ]);
    expect(events.map(({ type }) => type)).toEqual(['account-created', 'signed-in', 'signed-in']);
  });

  it('lets a frontend be called back itself, with cookies', async () => {
    const { provider, client } = await startLoginApp(platform);
    const browser = client();
    const sentOn = await beginAsFrontend(browser, provider);
    const answer = await browser.post('/auth/callback/corp', sentOn);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      user: expect.objectContaining({ email: 'ada@example.com' }) as object,
      expires_in: 600,
      is_new_user: true,
    });
    expect([...browser.jar.keys()].sort()).toEqual(['__Host-access', '__Host-refresh']);
    expect(provider.exchanges[0]?.get('redirect_uri')).toBe(`${page}/callback`);
  });

  it('gives an app its tokens in the body, and sets no cookie', async () => {
    const { provider, client } = await startLoginApp(platform, { login: { returnTo: ['com.example.app:/callback'] } });
    const app = client('body');
    const delivery = [['X-Token-Delivery', 'body']] as const;
    const sentOn = await beginAsFrontend(app, provider, { redirectUri: 'com.example.app:/callback' }, delivery);
    expect(sentOn.attempt).toMatch(/^[\w-]{100,}$/);
    expect(app.jar.size).toBe(0);
    const wrong = await client('body').post('/auth/callback/corp', { ...sentOn, attempt: undefined }, delivery);
    expect([wrong.status, codeOf(wrong.json)]).toEqual([400, 'LOGIN_STATE']);
    const answer = await app.post('/auth/callback/corp', sentOn, delivery);
    expect(answer.json).toMatchObject({ token_type: 'Bearer', is_new_user: true, user: { email: 'ada@example.com' } });
    expect(setCookiesOf(answer)).toEqual([]);
    expect((await app.call('/auth/me')).status).toBe(200);
    const twice = await app.post('/auth/callback/corp', sentOn, delivery);
    expect([twice.status, codeOf(twice.json)]).toEqual([400, 'LOGIN_STATE']);
  });

  it('works in two tabs at once, in whatever order they end', async () => {
    const { provider, client } = await startLoginApp(platform);
    const browser = client();
    const one = await goToProvider(browser, provider, '/auth/login/corp?returnTo=/one');
    const two = await goToProvider(browser, provider, '/auth/login/corp?returnTo=/two');
    expect(locationOf(await browser.call(pathOf(two)))).toBe(`${page}/two?new=1`);
    expect(locationOf(await browser.call(pathOf(one)))).toBe(`${page}/one`);
  });

  it('ends the session that the browser had', async () => {
    const { provider, client } = await startLoginApp(platform);
    const browser = client();
    await signInByLink(browser, provider);
    const before = browser.fork();
    await signInByLink(browser, provider);
    expect((await browser.call('/auth/me')).status).toBe(200);
    const ended = await before.call('/auth/me');
    expect([ended.status, codeOf(ended.json)]).toEqual([401, 'INVALID_TOKEN']);
  });

  it('lets a guest keep the account that is made, and not one that is there', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const guest = client();
    await guest.post('/auth/anonymous');
    const guestId = claimsOf(guest.accessToken)['sub'];
    expect(locationOf(await signInByLink(guest, provider))).toBe(`${page}/?new=1`);
    expect(claimsOf(guest.accessToken)['sub']).toBe(guestId);
    const other = client();
    await other.post('/auth/anonymous');
    const otherId = String(claimsOf(other.accessToken)['sub']);
    expect(locationOf(await signInByLink(other, provider))).toBe(`${page}/`);
    expect(claimsOf(other.accessToken)['sub']).toBe(guestId);
    expect((await accounts.find(otherId))?.isAnonymous).toBe(true);
  });

  it('refuses providers and addresses that it does not know', async () => {
    const { client } = await startLoginApp(platform);
    const browser = client();
    for (const path of ['/auth/login/other', '/auth/callback/other?code=1&state=2']) {
      const answer = await browser.call(path);
      expect([answer.status, codeOf(answer.json)]).toEqual([404, 'NOT_FOUND']);
    }
    for (const path of ['/auth/login/other', '/auth/callback/other', '/auth/back-channel-logout/other']) {
      const answer = await browser.post(path, { code: '1', state: '2' });
      expect([answer.status, codeOf(answer.json)]).toEqual([404, 'NOT_FOUND']);
    }
    const elsewhere = await browser.call('/auth/login/corp?returnTo=https://evil.example');
    expect(elsewhere.json).toMatchObject({ statusCode: 400, code: 'INVALID_INPUT', fields: [{ path: 'returnTo' }] });
    const twice = await browser.call('/auth/login/corp?returnTo=/a&returnTo=https://evil.example');
    expect(twice.json).toMatchObject({ statusCode: 400, code: 'INVALID_INPUT', fields: [{ path: 'returnTo' }] });
    for (const [path, body] of [
      ['returnTo', { returnTo: '//evil.example' }],
      ['redirectUri', { redirectUri: 'https://evil.example/callback' }],
      ['returnTo', { redirectUri: `${page}/callback`, returnTo: '/' }],
      ['link', { link: 'yes' }],
      ['retrunTo', { retrunTo: '/' }],
    ] as const) {
      const answer = await browser.post('/auth/login/corp', body);
      expect(answer.json).toMatchObject({ statusCode: 400, code: 'INVALID_INPUT', fields: [{ path }] });
    }
    const bodyClient = await client('body').post('/auth/login/corp', {}, [['X-Token-Delivery', 'body']]);
    expect(bodyClient.json).toMatchObject({ statusCode: 400, fields: [{ path: 'redirectUri' }] });
    expect(browser.jar.size).toBe(0);
  });
});
