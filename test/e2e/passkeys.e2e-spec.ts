/** Registering passkeys, signing in with them, and removing them, on both platforms. */
import { AccountStore, PasskeyStore } from 'nest-gatehouse/sql';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type AccountApp, codeOf, email, password, startAccountApp } from '../support/account-app.js';
import { PasskeyClient, startPasskeyApp, withPasskey } from '../support/passkey-client.js';
import { claimsOf } from '../support/session-app.js';

const routes = [
  ['POST', 'passkeys/registration-options'],
  ['POST', 'passkeys'],
  ['GET', 'passkeys'],
  ['DELETE', 'passkeys/abc'],
  ['POST', 'passkeys/sign-in-options'],
  ['POST', 'passkeys/sign-in'],
] as const;

describe.each(platforms)('passkeys on $name', (platform) => {
  let stand: AccountApp;

  beforeEach(async () => {
    stand = await startPasskeyApp(platform);
  });

  const listOf = async ({ client }: PasskeyClient): Promise<unknown[]> => {
    const { status, json } = await client.call('/auth/passkeys');
    expect({ status, json }).toMatchObject({ status: 200, json: { nextCursor: null } });
    return (json as { items: unknown[] }).items;
  };

  it.each(['cookies', 'body'] as const)('are registered, listed, and signed in with, by %s', async (delivery) => {
    const { id } = await stand.accounts.create({ email, emailVerified: true, password, name: 'Ada' });
    const browser = new PasskeyClient(stand.client(delivery), delivery);
    await browser.signInWithPassword();
    const { options, attempt } = await browser.ask('registration');
    expect(typeof attempt).toBe(delivery === 'body' ? 'string' : 'undefined');
    expect(options).toMatchObject({
      rp: { id: 'example.com', name: 'Example' },
      user: { name: email, displayName: 'Ada' },
    });
    const response = browser.authenticator.create(options);
    const registered = await browser.post('passkeys', { response, attempt, name: 'Laptop' });
    const at = stand.clock.now().toISOString();
    const item = { id: browser.id, name: 'Laptop', createdAt: at, lastUsedAt: null, backedUp: true };
    expect(registered).toMatchObject({ status: 200, json: item });
    expect(registered.headers['cache-control']).toBe('no-store');
    expect(await listOf(browser)).toEqual([item]);

    stand.clock.advanceSeconds(3_600);
    const elsewhere = new PasskeyClient(stand.client(delivery), delivery, browser.authenticator);
    const signedIn = await elsewhere.signIn();
    expect(signedIn).toMatchObject({ status: 200, json: { is_new_user: false, user: { id, email } } });
    expect('access_token' in (signedIn.json as object)).toBe(delivery === 'body');
    const { sub, amr, auth_time: signedInAt } = claimsOf(elsewhere.client.accessToken);
    const now = stand.clock.now();
    expect({ sub, amr, signedInAt }).toEqual({ sub: id, amr: ['pop', 'user'], signedInAt: now.getTime() / 1_000 });
    expect(await listOf(elsewhere)).toEqual([{ ...item, lastUsedAt: now.toISOString() }]);
    expect(stand.events.filter(({ type }) => type === 'signed-in')).toHaveLength(2);
    expect(await stand.accounts.find(id)).toMatchObject({ lastSignInAt: now });
  });

  it('need no attempt for a registration, whose challenge the session has, and accept no other one', async () => {
    const first = await withPasskey(stand, 'body');
    const client = new PasskeyClient(first.client, 'body');
    const another = await client.ask('registration');
    expect(await client.register({}, { attempt: another.attempt })).toMatchObject({ status: 401 });
    expect(await client.register({}, { attempt: null })).toMatchObject({ status: 200, json: { name: 'Passkey' } });
  });

  it('are signed in with in the tab that asked first, too', async () => {
    const { authenticator } = await withPasskey(stand);
    const browser = new PasskeyClient(stand.client(), 'cookies', authenticator);
    const tabs = [await browser.ask('sign-in'), await browser.ask('sign-in')];
    for (const { options } of tabs) {
      const answer = await browser.post('passkeys/sign-in', { response: authenticator.get(options) });
      expect(answer.status).toBe(200);
    }
    const cookies = [...browser.client.jar.keys()];
    expect(cookies.sort()).toEqual(['__Host-access', '__Host-passkey', '__Host-refresh']);
  });

  it('are asked for by a cookie that other sites and scripts do not get, and that ends with the challenge', async () => {
    const { headers } = await stand.client().post('/auth/passkeys/sign-in-options');
    expect(headers['set-cookie']).toMatch(
      /^__Host-passkey=[\w-]{22}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=300$/,
    );
    const body = await stand.client('body').post('/auth/passkeys/sign-in-options', {}, [['X-Token-Delivery', 'body']]);
    expect(body.headers['set-cookie']).toBeUndefined();
  });

  it('begin a session that lasts until the browser is closed', async () => {
    const browser = await withPasskey(stand);
    const { headers } = await browser.signIn({}, { remember: false });
    expect(headers['set-cookie']).toMatch(/__Host-access=/);
    expect(headers['set-cookie']).not.toMatch(/__Host-access=[^;]+;[^,]*Max-Age/);
  });

  it('need no second factor', async () => {
    const browser = await withPasskey(stand);
    const account = await stand.accounts.findByEmail(email);
    const store = stand.app.nest.get<AccountStore>(AccountStore);
    await store.change(account?.id ?? '', (found) => ({
      ...found,
      credentials: { ...found.credentials, totp: { sealed: '', lastStep: 0, recoveryCodes: [] } },
    }));
    expect(codeOf((await browser.signInWithPassword()).json)).toBe('MFA_REQUIRED');
    expect((await browser.signIn()).status).toBe(200);
  });

  it('are added and removed after a sign-in of the last 5 minutes, such as one with a passkey', async () => {
    const browser = await withPasskey(stand);
    const other = new PasskeyClient(browser.client);
    const { options } = await other.ask('registration');
    const response = other.authenticator.create(options);
    stand.clock.advanceSeconds(299);
    await browser.client.refresh();
    stand.clock.advanceSeconds(2);
    const refusals = [
      await other.post('passkeys/registration-options'),
      await other.post('passkeys', { response }),
      await browser.client.call(`/auth/passkeys/${browser.id}`, { method: 'DELETE' }),
    ];
    for (const { status, json, headers } of refusals) {
      expect({ status, code: codeOf(json) }).toEqual({ status: 401, code: 'STEP_UP_REQUIRED' });
      expect(headers['www-authenticate']).toContain('max_age="300"');
    }
    await browser.signIn();
    expect((await other.register()).status).toBe(200);
  });

  it('are removed, not those of others, and not the last way to sign in', async () => {
    const browser = await withPasskey(stand);
    const remove = (id: string, by = browser) => by.client.call(`/auth/passkeys/${id}`, { method: 'DELETE' });
    await stand.accounts.create({ email: 'eve@example.com', password });
    const eve = new PasskeyClient(stand.client());
    await eve.signInWithPassword('eve@example.com');
    for (const id of [browser.id, 'abc', 'x'.repeat(100), '%00']) {
      const { status, json } = await remove(id, eve);
      expect({ status, code: codeOf(json) }).toEqual({ status: 404, code: 'NOT_FOUND' });
    }
    expect((await remove(browser.id)).status).toBe(204);
    expect(codeOf((await remove(browser.id)).json)).toBe('NOT_FOUND');
    expect(codeOf((await browser.signIn()).json)).toBe('INVALID_CREDENTIALS');

    const account = await stand.accounts.create({ emailVerified: true, email: 'bob@example.com', password });
    const bob = new PasskeyClient(stand.client());
    await bob.signInWithPassword('bob@example.com');
    const second = new PasskeyClient(bob.client);
    expect([(await bob.register()).status, (await second.register()).status]).toEqual([200, 200]);
    const store = stand.app.nest.get<AccountStore>(AccountStore);
    await store.change(account.id, (found) => ({ ...found, credentials: {} }));
    await bob.signIn();
    const both = await Promise.all([remove(bob.id, bob), remove(second.id, bob)]);
    for (const { status, json } of both) {
      if (status !== 204) expect({ status, code: codeOf(json) }).toEqual({ status: 409, code: 'LAST_SIGN_IN_METHOD' });
    }
    const [last] = (await listOf(bob)) as { id: string }[];
    expect(last, 'one is left').toBeDefined();
    if (both.every(({ status }) => status !== 204)) await remove(second.id, bob);
    const { status, json } = await remove(((await listOf(bob)) as { id: string }[])[0]?.id ?? '', bob);
    expect({ status, code: codeOf(json) }).toEqual({ status: 409, code: 'LAST_SIGN_IN_METHOD' });
    expect(await listOf(bob)).toHaveLength(1);
  });

  it('count as a way to sign in when the last identity is unlinked', async () => {
    const browser = await withPasskey(stand);
    const account = await stand.accounts.findByEmail(email);
    const store = stand.app.nest.get<AccountStore>(AccountStore);
    await store.change(account?.id ?? '', (found) => ({ ...found, credentials: {} }));
    await stand.accounts.linkIdentity(account?.id ?? '', { provider: 'google', subject: '1' });
    await browser.signIn();
    expect((await browser.client.call('/auth/identities/google', { method: 'DELETE' })).status).toBe(204);
  });

  it('have an id that is short enough for the path of any platform', async () => {
    const browser = await withPasskey(stand, 'cookies', { credentialIdBytes: 1_023 });
    const [item] = (await listOf(browser)) as { id: string }[];
    expect(item?.id).toMatch(/^[\w-]{43}$/);
    const removed = await browser.client.call(`/auth/passkeys/${item?.id ?? ''}`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    const middle = await withPasskey(stand, 'cookies', { credentialIdBytes: 75 });
    expect(await listOf(middle)).toMatchObject([{ id: middle.id }]);
    expect((await middle.client.call(`/auth/passkeys/${middle.id}`, { method: 'DELETE' })).status).toBe(204);
  });

  it('end with their account', async () => {
    const browser = await withPasskey(stand);
    const account = await stand.accounts.findByEmail(email);
    expect((await browser.client.call('/auth/me', { method: 'DELETE' })).status).toBe(204);
    const store = stand.app.nest.get<PasskeyStore>(PasskeyStore);
    expect(await store.listOfAccount(account?.id ?? '')).toEqual([]);
    expect(await store.find(browser.id)).toBeNull();
    expect(codeOf((await browser.signIn()).json)).toBe('INVALID_CREDENTIALS');
    const again = await withPasskey(stand);
    expect(await listOf(again)).toHaveLength(1);
    expect(again.id).not.toBe(browser.id);
  });

  it('have names of up to 100 characters, and bodies without unknown members', async () => {
    const browser = await withPasskey(stand);
    const response = { id: 'a' };
    const wrong: readonly (readonly [string, object, string])[] = [
      ['passkeys', {}, 'response'],
      ['passkeys', { response: 'text' }, 'response'],
      ['passkeys', { response: [] }, 'response'],
      ['passkeys', { response, name: '' }, 'name'],
      ['passkeys', { response, name: 'x'.repeat(101) }, 'name'],
      ['passkeys', { response, name: 'a\0b' }, 'name'],
      ['passkeys', { response, attempt: 7 }, 'attempt'],
      ['passkeys', { response, extra: 1 }, 'extra'],
      ['passkeys/sign-in', { response: null }, 'response'],
      ['passkeys/sign-in', { response, attempt: {} }, 'attempt'],
      ['passkeys/sign-in', { response, remember: 'yes' }, 'remember'],
      ['passkeys/registration-options', { extra: 1 }, 'extra'],
      ['passkeys/sign-in-options', { extra: 1 }, 'extra'],
    ];
    for (const [path, json, field] of wrong) {
      const answer = await browser.post(path, json);
      expect(answer, path).toMatchObject({ status: 400, json: { code: 'INVALID_INPUT', fields: [{ path: field }] } });
    }
    const named = new PasskeyClient(browser.client);
    expect(await named.register({}, { name: '🔑'.repeat(50) })).toMatchObject({ json: { name: '🔑'.repeat(50) } });
  });

  it('are for the owner of a session', async () => {
    for (const [method, path] of routes.slice(0, 4)) {
      const { status, json } = await stand.client().call(`/auth/${path}`, { method });
      expect({ path, status, code: codeOf(json) }).toEqual({ path, status: 401, code: 'MISSING_TOKEN' });
    }
  });

  it('are refused to pages of other sites', async () => {
    for (const [method, path] of routes.filter(([name]) => name !== 'GET')) {
      const headers = [['Origin', 'https://evil.example'] as const];
      const { status, json } = await stand.client().call(`/auth/${path}`, { method, headers });
      expect({ path, status, code: codeOf(json) }).toEqual({ path, status: 403, code: 'ACCESS_DENIED' });
    }
  });

  it('are off unless they are switched on', async () => {
    const without = await startAccountApp(platform);
    await without.accounts.create({ email, password });
    const client = await without.signIn();
    for (const [method, path] of routes) {
      const { status, json } = await client.call(`/auth/${path}`, { method });
      expect({ path, status, code: codeOf(json) }).toEqual({ path, status: 404, code: 'NOT_FOUND' });
    }
  });

  it('are registered once, for the first of two accounts that send the same credential', async () => {
    const browser = await withPasskey(stand);
    await stand.accounts.create({ email: 'eve@example.com', password });
    const eve = new PasskeyClient(stand.client());
    await eve.signInWithPassword('eve@example.com');
    const { credential } = browser.authenticator;
    if (credential === undefined) throw new Error('There is no credential');
    const { status, json } = await eve.register({ credential });
    expect({ status, code: codeOf(json) }).toEqual({ status: 409, code: 'IDENTITY_TAKEN' });
    expect((await browser.signIn()).json).toMatchObject({ user: { email } });
  });
});
