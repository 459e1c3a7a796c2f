/** Sessions that began by a provider end with it, and the tokens of providers are kept where the app wants it. */
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { codeOf } from '../support/account-app.js';
import { corp, goToProvider, locationOf, page, pathOf, signInByLink, startLoginApp } from '../support/login-app.js';
import { LoginProviderStand } from '../support/login-provider.js';
import { claimsOf, type SessionClient, setCookiesOf } from '../support/session-app.js';

function tellLogout(client: SessionClient, token: string, headers: readonly (readonly [string, string])[] = []) {
  return client.call('/auth/back-channel-logout/corp', {
    method: 'POST',
    body: String(new URLSearchParams({ logout_token: token })),
    headers: [['Content-Type', 'application/x-www-form-urlencoded'], ...headers],
  });
}

describe.each(platforms)('sessions of a provider on $name', (platform) => {
  it('end when the provider says so: those of one login, or all of its person', async () => {
    const { provider, client } = await startLoginApp(platform);
    const one = client();
    const other = client();
    const later = client();
    await signInByLink(one, provider);
    provider.sid = 'another';
    await signInByLink(other, provider);
    const answer = await tellLogout(client(), provider.logoutToken({ sid: 'another', sub: 'p-1' }), [
      ['Origin', 'https://idp.example.com'],
    ]);
    expect([answer.status, answer.text, answer.headers['cache-control']]).toEqual([200, '', 'no-store']);
    expect(setCookiesOf(answer)).toEqual([]);
    expect((await one.call('/auth/me')).status).toBe(200);
    const ended = await other.call('/auth/me');
    expect([ended.status, (ended.json as { reason?: string }).reason]).toEqual([401, 'revoked']);
    expect((await other.post('/auth/refresh')).status).toBe(401);

    provider.clock.advanceSeconds(1);
    await signInByLink(later, provider);
    provider.clock.advanceSeconds(1);
    expect((await tellLogout(client(), provider.logoutToken({ sub: 'p-1' }))).status).toBe(200);
    for (const browser of [one, later]) expect((await browser.call('/auth/me')).status).toBe(401);
  });

  it('do not end by a token that does not pass, or that comes again', async () => {
    const { provider, client } = await startLoginApp(platform);
    const browser = client();
    await signInByLink(browser, provider);
    const sub = 'p-1';
    const good = { sub };
    const stranger = await LoginProviderStand.start(provider.clock);
    const tokens = [
      provider.logoutToken({ ...good, nonce: 'n' }),
      provider.logoutToken({ ...good, events: undefined }),
      provider.logoutToken({ ...good, events: { 'http://schemas.openid.net/event/other': {} } }),
      provider.logoutToken({ ...good, aud: 'another app' }),
      provider.logoutToken({ ...good, iss: 'https://evil.example' }),
      provider.logoutToken({ ...good, iat: undefined }),
      provider.logoutToken({ ...good, jti: undefined }),
      provider.logoutToken({ sub: undefined }),
      provider.logoutToken({ ...good, exp: 1 }),
      stranger.logoutToken({ ...good, iss: provider.issuer }),
      'nonsense',
    ];
    for (const token of tokens) {
      const answer = await tellLogout(client(), token);
      expect([answer.status, (answer.json as { error?: string }).error]).toEqual([400, 'invalid_request']);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expect((await tellLogout(client(), '')).status).toBe(400);
    expect((await client().post('/auth/back-channel-logout/corp', { logout_token: 'x' })).status).toBe(400);
    expect((await browser.call('/auth/me')).status).toBe(200);

    const token = provider.logoutToken(good);
    expect((await tellLogout(client(), token)).status).toBe(200);
    provider.clock.advanceSeconds(1);
    await signInByLink(browser, provider);
    expect((await tellLogout(client(), token)).status).toBe(400);
    expect((await browser.call('/auth/me')).status).toBe(200);
  });

  it('do not begin by a login that the provider has ended meanwhile', async () => {
    const { provider, client, clock } = await startLoginApp(platform);
    const browser = client();
    const back = await goToProvider(browser, provider);
    expect((await tellLogout(client(), provider.logoutToken({ sid: provider.sid }))).status).toBe(200);
    // The ID token is issued in the same second.
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/?error=access_denied`);
    expect((await browser.call('/auth/me')).status).toBe(401);
    // A provider may use the id of a session again for a later login.
    clock.advanceSeconds(1);
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/`);
  });

  it('keep no token of the provider unless the app wants it', async () => {
    const { provider, client, logins } = await startLoginApp(platform);
    const browser = client();
    await signInByLink(browser, provider);
    await expect(logins.accessTokenOf(String(claimsOf(browser.accessToken)['sub']), 'corp')).rejects.toMatchObject({
      code: 'CONFIGURATION_ERROR',
      path: 'LoginModule.forRoot({ keepTokens })',
    });
  });

  it('have a fresh access token of the provider, which is refreshed once for any number of callers', async () => {
    const { provider, client, logins, clock } = await startLoginApp(platform, { login: { keepTokens: true } });
    const browser = client();
    await signInByLink(browser, provider);
    const userId = String(claimsOf(browser.accessToken)['sub']);
    const first = await logins.accessTokenOf(userId, 'corp');
    expect(await logins.accessTokenOf(userId, 'corp')).toBe(first);
    expect(provider.exchanges).toHaveLength(1);
    clock.advanceSeconds(60);
    const tokens = await Promise.all(Array.from({ length: 50 }, () => logins.accessTokenOf(userId, 'corp')));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(first);
    expect(provider.exchanges).toHaveLength(2);
    for (const [who, which] of [
      [userId, 'other'],
      ['nobody', 'corp'],
    ] as const) {
      await expect(logins.accessTokenOf(who, which)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await logins.forget(userId, 'CORP');
    await expect(logins.accessTokenOf(userId, 'corp')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await signInByLink(browser, provider);
    expect(await logins.accessTokenOf(userId, 'corp')).not.toBe('');
    await browser.call('/auth/me', { method: 'DELETE' });
    await expect(logins.accessTokenOf(userId, 'corp')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('begin in a frontend on another site, whose scripts keep no cookie that is Lax', async () => {
    const { provider, client } = await startLoginApp(platform, {
      sessions: { cookies: { sameSite: 'none' } },
      auth: { trustedOrigins: [page] },
    });
    const browser = client();
    const origin = [['Origin', page]] as const;
    const start = await browser.post('/auth/login/corp', { redirectUri: `${page}/callback` }, origin);
    expect(setCookiesOf(start)).toEqual([expect.stringMatching(/^__Host-login\..*; SameSite=None; Max-Age=600$/)]);
    const { searchParams } = provider.authorize((start.json as { url: string }).url);
    const answer = await browser.post('/auth/callback/corp', Object.fromEntries(searchParams), origin);
    expect(answer.status).toBe(200);
    expect(setCookiesOf(answer)[0]).toMatch(/^__Host-login\..*; SameSite=None; Max-Age=0$/);
  });

  it('begin by a form of the provider’s page, whose cookie alone comes along from there', async () => {
    const provider = await LoginProviderStand.start();
    const providers = [corp(provider, { responseMode: 'form_post' })];
    const { client } = await startLoginApp(platform, { provider, login: { providers } });
    const browser = client();
    const start = await browser.call('/auth/login/corp?returnTo=/orders');
    expect(setCookiesOf(start)[0]).toMatch(/; Secure; HttpOnly; SameSite=None; Max-Age=600$/);
    expect(new URL(start.headers['location'] ?? '').searchParams.get('response_mode')).toBe('form_post');
    const back = provider.authorize(start.headers['location'] ?? '');
    const post = (form: URLSearchParams | string) =>
      browser.call('/auth/callback/corp', {
        method: 'POST',
        body: String(form),
        headers: [
          ['Content-Type', 'application/x-www-form-urlencoded'],
          ['Origin', provider.issuer],
          ['Sec-Fetch-Site', 'cross-site'],
        ],
      });
    for (const form of ['code=x&state=y', 'code[a]=x&state=y', 'state=%', `code=x&state=${'y'.repeat(70_000)}`]) {
      expect(locationOf(await post(form))).toBe(`${page}/?error=login_state`);
    }
    const answer = await post(back.searchParams);
    expect(locationOf(answer)).toBe(`${page}/orders?new=1`);
    expect((await browser.call('/auth/me')).status).toBe(200);
    const frontend = await browser.post('/auth/login/corp', { redirectUri: `${page}/callback` });
    expect([frontend.status, codeOf(frontend.json)]).toEqual([400, 'INVALID_INPUT']);
  });
});
