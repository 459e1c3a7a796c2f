/** Logins whose answer the page of the provider sends as a form: the browser leaves the cookies of the session behind, and the login knows it. */
import { describe, expect, it } from 'vitest';
import { password } from '../support/account-app.js';
import { type Platform, platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { corp, goToProvider, locationOf, type LoginApp, page, startLoginApp } from '../support/login-app.js';
import { LoginProviderStand } from '../support/login-provider.js';
import { claimsOf, type SessionClient } from '../support/session-app.js';

const owner = { email: 'owner@example.com', password };

async function start(platform: Platform): Promise<LoginApp> {
  const provider = await LoginProviderStand.start();
  return startLoginApp(platform, { provider, login: { providers: [corp(provider, { responseMode: 'form_post' })] } });
}

/** The browser sends the form of another site: with cookies that are `SameSite=None`, and no other. */
async function sendForm({ provider }: LoginApp, browser: SessionClient, back: URL): Promise<Answer> {
  const fromThere = browser.fork();
  for (const name of [...fromThere.jar.keys()]) {
    if (!name.startsWith('__Host-login.')) fromThere.jar.delete(name);
  }
  const answer = await fromThere.call(back.pathname, {
    method: 'POST',
    body: String(back.searchParams),
    headers: [
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Origin', provider.issuer],
      ['Sec-Fetch-Site', 'cross-site'],
    ],
  });
  for (const [name, value] of fromThere.jar) browser.jar.set(name, value);
  for (const name of [...browser.jar.keys()]) {
    if (name.startsWith('__Host-login.') && !fromThere.jar.has(name)) browser.jar.delete(name);
  }
  return answer;
}

/** Somebody with an account who has signed in with their password. */
async function signInOwner({ client, accounts }: LoginApp): Promise<{ browser: SessionClient; id: string }> {
  const { id } = await accounts.create({ ...owner, emailVerified: true });
  const browser = client();
  await browser.post('/auth/sign-in', owner);
  return { browser, id };
}

async function beginLink({ provider }: LoginApp, browser: SessionClient): Promise<URL> {
  const { json } = await browser.post('/auth/login/corp', { link: true, returnTo: '/settings' });
  return provider.authorize((json as { url: string }).url);
}

async function expectEnded(client: SessionClient): Promise<void> {
  const { status, json, headers } = await client.call('/auth/me');
  expect([status, json]).toEqual([401, expect.objectContaining({ code: 'INVALID_TOKEN', reason: 'revoked' })]);
  expect(headers['www-authenticate']).toContain('error="invalid_token"');
  expect((await client.refresh()).status).toBe(401);
}

describe.each(platforms)('a login by a form on $name', (platform) => {
  it('ends the session in which it began', async () => {
    const app = await start(platform);
    const { browser } = await signInOwner(app);
    const before = browser.fork();
    const back = await goToProvider(browser, app.provider);
    expect((await before.call('/auth/me')).status).toBe(200);
    expect(locationOf(await sendForm(app, browser, back))).toBe(`${page}/?new=1`);
    expect(claimsOf(browser.accessToken)['sub']).not.toBe(claimsOf(before.accessToken)['sub']);
    expect((await browser.call('/auth/me')).status).toBe(200);
    await expectEnded(before);
  });

  it('that fails leaves that session as it is', async () => {
    const app = await start(platform);
    const { browser } = await signInOwner(app);
    const back = await goToProvider(browser, app.provider);
    back.searchParams.set('code', 'another');
    expect(locationOf(await sendForm(app, browser, back))).toBe(`${page}/?error=access_denied`);
    expect((await browser.call('/auth/me')).status).toBe(200);
    expect([...browser.jar.keys()].sort()).toEqual(['__Host-access', '__Host-refresh']);
  });

  it('ends no session that began in the browser meanwhile, which is replaced there alone', async () => {
    const app = await start(platform);
    const { browser, id } = await signInOwner(app);
    const back = await goToProvider(browser, app.provider);
    await browser.post('/auth/sign-out');
    await browser.post('/auth/sign-in', owner);
    const meanwhile = browser.fork();
    expect(locationOf(await sendForm(app, browser, back))).toBe(`${page}/?new=1`);
    expect(claimsOf(meanwhile.accessToken)['sub']).toBe(id);
    expect((await meanwhile.call('/auth/me')).status).toBe(200);
  });

  it('links, and the session goes on with new tokens', async () => {
    const app = await start(platform);
    const { browser, id } = await signInOwner(app);
    const before = claimsOf(browser.accessToken);
    const back = await beginLink(app, browser);
    expect(locationOf(await sendForm(app, browser, back))).toBe(`${page}/settings`);
    expect(claimsOf(browser.accessToken)).toMatchObject({ sub: id, sid: before['sid'], amr: ['pwd'] });
    expect(claimsOf(browser.accessToken)['jti']).not.toBe(before['jti']);
    expect((await app.accounts.identities(id)).map(({ subject }) => subject)).toEqual(['p-1']);
    expect((await browser.refresh()).status).toBe(200);
    expect((await browser.call('/auth/me')).status).toBe(200);
  });

  it('does not link once the session has ended, nor with the cookies of somebody else', async () => {
    const app = await start(platform);
    const { browser, id } = await signInOwner(app);
    const back = await beginLink(app, browser);
    await browser.fork().post('/auth/sign-out');
    expect(locationOf(await sendForm(app, browser, back))).toBe(`${page}/settings?error=login_state`);
    await browser.post('/auth/sign-in', owner);
    const again = await beginLink(app, browser);
    expect(locationOf(await sendForm(app, app.client(), again))).toBe(`${page}/?error=login_state`);
    expect(await app.accounts.identities(id)).toEqual([]);
    expect(app.provider.exchanges).toHaveLength(1);
  });

  it('lets a guest keep the account that is made, and not one that is there', async () => {
    const app = await start(platform);
    const guest = app.client();
    await guest.post('/auth/anonymous');
    const asGuest = guest.fork();
    const guestId = claimsOf(guest.accessToken)['sub'];
    expect(locationOf(await sendForm(app, guest, await goToProvider(guest, app.provider)))).toBe(`${page}/?new=1`);
    expect(claimsOf(guest.accessToken)).toMatchObject({ sub: guestId, amr: ['fed'] });
    expect((await guest.call('/auth/me')).json).toMatchObject({
      user: { isAnonymous: false, email: 'ada@example.com' },
    });
    await expectEnded(asGuest);
    const other = app.client();
    await other.post('/auth/anonymous');
    const otherId = String(claimsOf(other.accessToken)['sub']);
    expect(locationOf(await sendForm(app, other, await goToProvider(other, app.provider)))).toBe(`${page}/`);
    expect(claimsOf(other.accessToken)['sub']).toBe(guestId);
    expect((await app.accounts.find(otherId))?.isAnonymous).toBe(true);
  });

  it('links the guest by whom it began, who becomes a user with a new session', async () => {
    const app = await start(platform);
    const guest = app.client();
    await guest.post('/auth/anonymous');
    const before = guest.fork();
    const back = await beginLink(app, guest);
    expect(locationOf(await sendForm(app, guest, back))).toBe(`${page}/settings?new=1`);
    const { sub, sid } = claimsOf(before.accessToken);
    expect(claimsOf(guest.accessToken)['sub']).toBe(sub);
    expect(claimsOf(guest.accessToken)['sid']).not.toBe(sid);
    await expectEnded(before);
  });
});
