/** An identity is linked to an account by its user, or by an address that a trusted provider says is theirs. */
import { describe, expect, it } from 'vitest';
import { openIdProvider } from 'nest-gatehouse/login';
import { codeOf, email, password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import {
  beginAsFrontend,
  goToProvider,
  locationOf,
  page,
  pathOf,
  signInByLink,
  startLoginApp,
} from '../support/login-app.js';
import { loginClient, LoginProviderStand } from '../support/login-provider.js';
import { claimsOf } from '../support/session-app.js';

const link = { link: true, redirectUri: `${page}/callback` };

describe.each(platforms)('linking an identity on $name', (platform) => {
  it('adds it to the account of a user who has signed in lately, and the session goes on', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const account = await accounts.create({ email: 'owner@example.com', emailVerified: true, password });
    const browser = client();
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    const before = claimsOf(browser.accessToken);
    const sentOn = await beginAsFrontend(browser, provider, link);
    const answer = await browser.post('/auth/callback/corp', sentOn);
    expect(answer.json).toMatchObject({ is_new_user: false, user: { id: account.id, email: 'owner@example.com' } });
    expect(claimsOf(browser.accessToken)).toMatchObject({ sub: account.id, sid: before['sid'], amr: ['pwd'] });
    const { json } = await browser.call('/auth/identities');
    expect(json).toMatchObject({ items: [{ provider: 'corp', subject: 'p-1' }] });
    expect((await browser.post('/auth/refresh')).status).toBe(200);

    const later = client();
    expect(locationOf(await signInByLink(later, provider))).toBe(`${page}/`);
    expect(claimsOf(later.accessToken)['sub']).toBe(account.id);
  });

  it('works by the callback of the app as well', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const account = await accounts.create({ email: 'owner@example.com', emailVerified: true, password });
    const browser = client();
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    const { json } = await browser.post('/auth/login/corp', { link: true, returnTo: '/settings' });
    const back = provider.authorize((json as { url: string }).url);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/settings`);
    expect((await accounts.identities(account.id)).map(({ subject }) => subject)).toEqual(['p-1']);
    expect((await browser.call('/auth/me')).status).toBe(200);
  });

  it('needs a session of the last five minutes, and the very session at the end', async () => {
    const { provider, client, accounts, clock, service } = await startLoginApp(platform);
    await accounts.create({ email: 'owner@example.com', emailVerified: true, password });
    const none = await client().post('/auth/login/corp', link);
    expect([none.status, codeOf(none.json)]).toEqual([401, 'MISSING_TOKEN']);
    const browser = client();
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    const sentOn = await beginAsFrontend(browser, provider, link);
    clock.advanceSeconds(301);
    const old = await browser.post('/auth/login/corp', link);
    expect([old.status, codeOf(old.json)]).toEqual([401, 'STEP_UP_REQUIRED']);
    expect(old.headers['www-authenticate']).toContain('insufficient_user_authentication');

    // Signed in again in another tab: the login began in a session that has ended.
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    const otherSession = await browser.post('/auth/callback/corp', sentOn);
    expect([otherSession.status, codeOf(otherSession.json)]).toEqual([400, 'LOGIN_STATE']);

    const again = await beginAsFrontend(browser, provider, link);
    await service.endAll(String(claimsOf(browser.accessToken)['sub']));
    const ended = await browser.post('/auth/callback/corp', again);
    expect([ended.status, codeOf(ended.json)]).toEqual([400, 'LOGIN_STATE']);
    expect(await accounts.findByIdentity('corp', 'p-1')).toBeNull();
  });

  it('is not done by what a browser has kept of the login alone, without the session', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const { id } = await accounts.create({ email: 'owner@example.com', emailVerified: true, password });
    const browser = client();
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    const sentOn = await beginAsFrontend(browser, provider, link);
    const { json } = await browser.post('/auth/login/corp', { link: true });
    const back = provider.authorize((json as { url: string }).url);
    const withoutSession = browser.fork();
    for (const name of [...withoutSession.jar.keys()]) {
      if (!name.includes('login.')) withoutSession.jar.delete(name);
    }
    const refused = await withoutSession.post('/auth/callback/corp', sentOn);
    expect([refused.status, codeOf(refused.json)]).toEqual([400, 'LOGIN_STATE']);
    expect(locationOf(await withoutSession.call(pathOf(back)))).toBe(`${page}/?error=login_state`);
    expect([...withoutSession.jar.keys()]).toEqual([]);
    expect(await accounts.identities(id)).toEqual([]);
  });

  it('refuses an identity that belongs to another account', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    await signInByLink(client(), provider);
    await accounts.create({ email: 'owner@example.com', emailVerified: true, password });
    const browser = client();
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    const taken = await browser.post('/auth/callback/corp', await beginAsFrontend(browser, provider, link));
    expect([taken.status, codeOf(taken.json)]).toEqual([409, 'IDENTITY_TAKEN']);
    const { json } = await browser.post('/auth/login/corp', { link: true });
    const back = provider.authorize((json as { url: string }).url);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/?error=identity_taken`);
    expect((await browser.call('/auth/me')).status).toBe(200);
  });

  it('never happens by a link that signs in', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const account = await accounts.create({ email: 'owner@example.com', emailVerified: true, password });
    const browser = client();
    await browser.post('/auth/sign-in', { email: 'owner@example.com', password });
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/?new=1`);
    expect(await accounts.identities(account.id)).toEqual([]);
  });

  it('gives an account with the verified address to whoever the trusted provider names', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const account = await accounts.create({ email, emailVerified: true, password });
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/`);
    expect(claimsOf(browser.accessToken)['sub']).toBe(account.id);
    expect((await accounts.find(account.id))?.hasPassword).toBe(true);
  });

  it.each<readonly [string, object, object]>([
    ['says that the address is not verified', { email_verified: false }, {}],
    ['does not say whether it is', { email_verified: undefined }, {}],
    ['says it in another form', { email_verified: 'yes' }, {}],
    ['is not trusted about addresses', {}, { trustEmail: false }],
  ])('links nothing by an address where the provider %s', async (_what, claims, options) => {
    const provider = await LoginProviderStand.start();
    provider.person = { sub: 'p-1', email, email_verified: true, ...claims };
    const corp = openIdProvider({
      id: 'corp',
      issuer: provider.issuer,
      ...loginClient,
      trustEmail: true,
      ...options,
    });
    const { client, accounts } = await startLoginApp(platform, { provider, login: { providers: [corp] } });
    const account = await accounts.create({ email, emailVerified: true, password });
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/?error=email_taken`);
    expect([...browser.jar.keys()]).toEqual([]);
    const frontend = client();
    const taken = await frontend.post('/auth/callback/corp', await beginAsFrontend(frontend, provider));
    expect([taken.status, codeOf(taken.json)]).toEqual([409, 'EMAIL_TAKEN']);
    expect(await accounts.identities(account.id)).toEqual([]);
    // The person signs in, then links.
    await frontend.post('/auth/sign-in', { email, password });
    const linked = await frontend.post('/auth/callback/corp', await beginAsFrontend(frontend, provider, link));
    expect(linked.status).toBe(200);
    expect((await accounts.identities(account.id)).map(({ subject }) => subject)).toEqual(['p-1']);
  });

  it('makes an account without an address where the provider does not vouch for it', async () => {
    const provider = await LoginProviderStand.start();
    const corp = openIdProvider({ id: 'corp', issuer: provider.issuer, ...loginClient });
    const { client } = await startLoginApp(platform, { provider, login: { providers: [corp] } });
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/?new=1`);
    expect((await browser.call('/auth/me')).json).toMatchObject({
      user: { email: null, name: 'Ada' },
    });
  });

  it('lets the owner take over an account whose address a stranger has signed up with', async () => {
    const { provider, client, accounts } = await startLoginApp(platform);
    const stranger = client();
    await stranger.post('/auth/sign-up', { email, password });
    expect((await stranger.call('/auth/me')).status).toBe(200);
    const strangersBack = await goToProvider(stranger, provider);
    const owner = client();
    expect(locationOf(await signInByLink(owner, provider))).toMatch(/^https:\/\/app\.example\.com\//);
    const ended = await stranger.call('/auth/me');
    expect([ended.status, codeOf(ended.json)]).toEqual([401, 'INVALID_TOKEN']);
    const refused = await stranger.post('/auth/sign-in', { email, password });
    expect([refused.status, codeOf(refused.json)]).toEqual([401, 'INVALID_CREDENTIALS']);
    const { items } = await accounts.list();
    expect(items.filter((account) => account.email === email)).toMatchObject([
      { emailVerified: true, hasPassword: false },
    ]);
    expect(strangersBack.searchParams.get('code')).not.toBeNull();
  });

  it('removes an identity, and not the last way to sign in', async () => {
    const { provider, client } = await startLoginApp(platform);
    const browser = client();
    await signInByLink(browser, provider);
    const last = await browser.call('/auth/identities/corp', { method: 'DELETE' });
    expect([last.status, codeOf(last.json)]).toEqual([409, 'LAST_SIGN_IN_METHOD']);
    expect((await browser.post('/auth/password/change', { password })).status).toBe(204);
    expect((await browser.call('/auth/identities/corp', { method: 'DELETE' })).status).toBe(204);
    expect((await browser.call('/auth/identities')).json).toEqual({ items: [], nextCursor: null });
  });
});
