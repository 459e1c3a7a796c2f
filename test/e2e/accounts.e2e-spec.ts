/** What signed-in users and guests do with their accounts, on both platforms. */
import { ProviderTokenStore } from 'nest-gatehouse/sql';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type AccountApp, codeOf, email, password, startAccountApp } from '../support/account-app.js';
import type { SessionClient } from '../support/session-app.js';

describe.each(platforms)('accounts on $name', (platform) => {
  let stand: AccountApp;

  beforeEach(async () => {
    stand = await startAccountApp(platform);
  });

  const signUp = (client: SessionClient, json: object) =>
    client.post('/auth/sign-up', json, [['X-Token-Delivery', 'body']]);

  it('makes a guest a user, once, who keeps the id and the custom data', async () => {
    const guest = stand.client('body');
    const made = await guest.post('/auth/anonymous', undefined, [['X-Token-Delivery', 'body']]);
    expect(made.json).toMatchObject({ is_new_user: true, user: { isAnonymous: true, email: null } });
    const { id } = (made.json as { user: { id: string } }).user;
    await stand.accounts.patchCustomData(id, { cart: ['tea'] });
    expect((await guest.call('/me')).status).toBe(401);
    const before = guest.fork();
    const upgrades = await Promise.all(
      [1, 2, 3, 4].map((number) => signUp(guest.fork(), { email: `ada${number}@example.com`, password })),
    );
    const won = upgrades.filter(({ json }) => (json as { user?: { id: string } }).user?.id === id);
    expect(won).toHaveLength(1);
    expect(await stand.accounts.find(id)).toMatchObject({ isAnonymous: false, customData: { cart: ['tea'] } });
    expect((await before.refresh()).status).toBe(401);
    expect((await stand.service.list(id)).items).toHaveLength(1);
    const token = (won[0]?.json as { access_token: string }).access_token;
    expect((await stand.app.call('/me', { token })).status).toBe(200);
  });

  it('makes a guest a user also after the access token has expired', async () => {
    const guest = stand.client('body');
    const made = await guest.post('/auth/anonymous', undefined, [['X-Token-Delivery', 'body']]);
    const { id } = (made.json as { user: { id: string } }).user;
    stand.clock.advanceSeconds(3_600);
    const upgraded = await signUp(guest, { email, password });
    expect(upgraded.json).toMatchObject({ user: { id, isAnonymous: false } });
  });

  it('leaves a guest who signs in to an account a guest', async () => {
    await stand.accounts.create({ email, password });
    const guest = stand.client('body');
    const made = await guest.post('/auth/anonymous', undefined, [['X-Token-Delivery', 'body']]);
    const { id } = (made.json as { user: { id: string } }).user;
    await guest.post('/auth/sign-in', { email, password });
    expect((await stand.accounts.find(id))?.isAnonymous).toBe(true);
    expect((await stand.service.list(id)).items).toHaveLength(0);
  });

  it('has the groups of an account as roles, from the next refresh on', async () => {
    const { id } = await stand.accounts.create({ email, password });
    await stand.groups.create({ name: 'staff' });
    const client = await stand.signIn();
    expect((await client.call('/staff')).status).toBe(403);
    await stand.groups.addMember('staff', id);
    await client.refresh();
    expect((await client.call('/staff')).json).toEqual({ id });
    await stand.groups.update('staff', { name: 'crew' });
    await client.refresh();
    expect((await client.call('/staff')).status).toBe(403);
    expect((await stand.groups.listGroups(id)).items.map(({ name }) => name)).toEqual(['crew']);
    expect((await stand.groups.listMembers('crew')).items.map((member) => member.id)).toEqual([id]);
  });

  it('has the profile of an account', async () => {
    await stand.accounts.create({ email, emailVerified: true, password, name: 'Ada' });
    const client = await stand.signIn();
    const { json } = await client.call('/profile');
    expect(json).toMatchObject({
      displayName: 'Ada',
      primaryEmail: email,
      primaryEmailVerified: true,
      hasPassword: true,
    });
  });

  it('ends the sessions of an account that is disabled, at once', async () => {
    const { id } = await stand.accounts.create({ email, password });
    const client = await stand.signIn();
    await stand.accounts.disable(id);
    expect((await client.call('/me')).json).toMatchObject({ code: 'INVALID_TOKEN', reason: 'revoked' });
    expect((await client.refresh()).status).toBe(401);
    await stand.accounts.enable(id);
    expect((await client.refresh()).status).toBe(401);
    await stand.signIn();
    expect(stand.events.filter(({ type }) => type === 'account-disabled')).toHaveLength(1);
  });

  it('changes a password, which ends the other sessions', async () => {
    await stand.accounts.create({ email, password });
    const [client, other] = [await stand.signIn(), await stand.signIn()];
    const change = (json: object) => client.post('/auth/password/change', json);
    expect(
      codeOf((await change({ currentPassword: 'wrong horse battery', password: 'staple of the horse' })).json),
    ).toBe('INVALID_CREDENTIALS');
    expect(codeOf((await change({ password: 'staple of the horse' })).json)).toBe('INVALID_INPUT');
    expect(codeOf((await change({ currentPassword: password, password: 'password1' })).json)).toBe('WEAK_PASSWORD');
    expect((await change({ currentPassword: password, password: 'staple of the horse' })).status).toBe(204);
    expect((await client.refresh()).status).toBe(200);
    expect((await other.refresh()).status).toBe(401);
    await stand.signIn({ email, password: 'staple of the horse' });
    expect((await stand.client().post('/auth/sign-in', { email, password })).status).toBe(401);
  });

  it('sets a first password within five minutes of the sign-in', async () => {
    const { id } = await stand.accounts.create({ email });
    const session = await stand.service.start(id, { amr: ['fed'] });
    const set = (json: object) =>
      stand.app.call('/auth/password/change', {
        method: 'POST',
        token: session.accessToken,
        headers: [['Content-Type', 'application/json']],
        body: JSON.stringify(json),
      });
    stand.clock.advanceSeconds(301);
    const late = await set({ password });
    expect([late.status, codeOf(late.json)]).toEqual([401, 'STEP_UP_REQUIRED']);
    expect(late.headers['www-authenticate']).toBe('Bearer error="insufficient_user_authentication", max_age="300"');
    stand.clock.advanceSeconds(-2);
    expect((await set({ password })).status).toBe(204);
    await stand.signIn();
  });

  it("changes and deletes one's own account", async () => {
    const { id } = await stand.accounts.create({ email, password });
    const client = await stand.signIn();
    const patched = await client.call('/auth/me', { method: 'PATCH', json: { name: 'Ada L.', pictureUrl: null } });
    expect(patched.json).toMatchObject({ user: { id, name: 'Ada L.', email } });
    const refused = await client.call('/auth/me', { method: 'PATCH', json: { email: 'x@example.com' } });
    expect(refused.status).toBe(400);
    stand.clock.advanceSeconds(301);
    expect(codeOf((await client.call('/auth/me', { method: 'DELETE' })).json)).toBe('STEP_UP_REQUIRED');
    const recent = await stand.signIn();
    expect((await recent.call('/auth/me', { method: 'DELETE' })).status).toBe(204);
    expect(await stand.accounts.find(id)).toBeNull();
    expect((await client.refresh()).status).toBe(401);
    expect((await recent.call('/me')).status).toBe(401);
    expect((await stand.client().post('/auth/sign-in', { email, password })).status).toBe(401);
  });

  it('lists identities, and keeps the last way to sign in', async () => {
    const { id } = await stand.accounts.create({ email });
    for (const provider of ['google', 'github']) await stand.accounts.linkIdentity(id, { provider, subject: '1' });
    const { accessToken: token } = await stand.service.start(id);
    const listed = await stand.app.call('/auth/identities', { token });
    expect(listed.json).toEqual({
      items: ['google', 'github'].map((provider) => ({
        provider,
        subject: '1',
        email: null,
        linkedAt: stand.clock.now().toISOString(),
      })),
      nextCursor: null,
    });
    const unlink = (provider: string) => stand.app.call(`/auth/identities/${provider}`, { token, method: 'DELETE' });
    const kept = stand.app.nest.get<ProviderTokenStore>(ProviderTokenStore);
    for (const provider of ['google', 'github']) await kept.save(id, provider, Buffer.alloc(9), stand.clock.now());
    expect((await unlink('google')).status).toBe(204);
    expect((await unlink('google')).status).toBe(404);
    const last = await unlink('github');
    expect([last.status, codeOf(last.json)]).toEqual([409, 'LAST_SIGN_IN_METHOD']);
    expect(await kept.find(id, 'google')).toBeNull();
    expect(await kept.find(id, 'github')).not.toBeNull();
    await stand.accounts.linkIdentity(id, { provider: 'google', subject: '2' });
    const both = await Promise.all(['google', 'github'].map((provider) => unlink(provider)));
    expect(both.map(({ status }) => status)).toContain(409);
    expect((await stand.accounts.identities(id)).length).toBeGreaterThan(0);
    await stand.accounts.setPassword(id, password);
    for (const { provider } of await stand.accounts.identities(id)) expect((await unlink(provider)).status).toBe(401);
  });

  it('answers 404 where a feature is off', async () => {
    const off = await startAccountApp(platform, { signUp: false, anonymous: false, password: false });
    for (const path of ['sign-up', 'sign-in', 'anonymous', 'password/change']) {
      const answer = await off.client().post(`/auth/${path}`, {});
      expect([path, answer.status, codeOf(answer.json)]).toEqual([path, 404, 'NOT_FOUND']);
    }
  });
});
