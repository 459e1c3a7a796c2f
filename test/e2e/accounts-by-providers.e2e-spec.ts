/** The accounts of people who sign in by a provider, as the app, the routes and other instances see them. */
import { RefusalError } from 'nest-gatehouse';
import { beforeEach, describe, expect, it } from 'vitest';

import { email, password } from '../support/account-app.js';
import { startAccountInstances } from '../support/account-instances.js';
import { platforms } from '../support/app.js';
import { type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import { outcomeOf } from '../support/outcome.js';
import { comeByProvider, loginOf, owner, signInByProvider } from '../support/provider-login.js';
import { claimsOf, type SessionClient } from '../support/session-app.js';
import { onPostgres } from '../support/store-runner.js';

const mallory = { provider: 'github', subject: 'mallory' };
const strangers = 'strangers horse battery';

const userOf = async (client: SessionClient): Promise<Record<string, unknown>> =>
  ((await client.call('/auth/me')).json as { user: Record<string, unknown> }).user;
const unlink = (client: SessionClient, provider: string) =>
  client.call(`/auth/identities/${provider}`, { method: 'DELETE' });

describe.each(platforms)('an account of a person who signs in by a provider on $name', (platform) => {
  let stand: MailApp;

  beforeEach(async () => {
    stand = await startMailApp(platform);
  });

  it('is that of the provider from the first login on', async () => {
    const client = await comeByProvider(stand, loginOf({ name: 'Ada Lovelace' }));
    const user = await userOf(client);
    expect(user).toMatchObject({ email, emailVerified: true, name: 'Ada Lovelace', hasPassword: false });
    expect(claimsOf(client.accessToken)).toMatchObject({ sub: user['id'], amr: ['fed'] });
    const identities = (await client.call('/auth/identities')).json;
    expect(identities).toMatchObject({ items: [{ provider: owner.provider, subject: owner.subject, email }] });
    expect((await userOf(await comeByProvider(stand)))['id']).toBe(user['id']);
  });

  it('keeps the last way to sign in; the session that began by a provider goes on without it', async () => {
    const client = await comeByProvider(stand);
    const last = outcome(await unlink(client, owner.provider));
    expect(last).toEqual([409, 'LAST_SIGN_IN_METHOD']);
    const { id } = await userOf(client);
    const github = loginOf({ provider: 'github', subject: 'h-1' }, { linkTo: String(id) });
    await signInByProvider(stand, github);
    expect((await unlink(client, owner.provider)).status).toBe(204);
    expect((await client.refresh()).status).toBe(200);
    expect((await userOf(client))['id']).toBe(id);
    expect(outcome(await unlink(client, 'github'))).toEqual([409, 'LAST_SIGN_IN_METHOD']);
  });

  it('cannot be signed in to while it is disabled, and is made anew after it was deleted', async () => {
    const client = await comeByProvider(stand);
    const id = String((await userOf(client))['id']);
    await stand.accounts.disable(id);
    expect(await outcomeOf(signInByProvider(stand))).toBe('LOGIN_REFUSED');
    await stand.accounts.enable(id);
    expect((await signInByProvider(stand)).userId).toBe(id);
    await stand.accounts.delete(id);
    expect((await signInByProvider(stand)).userId).not.toBe(id);
  });

  it('ends its session where it is disabled while that begins', async () => {
    const { userId } = await signInByProvider(stand);
    const before = (await stand.service.list(userId)).items.length;
    const start = stand.service.start.bind(stand.service);
    const service = {
      start: async (...given: Parameters<typeof start>) => {
        const session = await start(...given);
        await stand.accounts.disable(userId);
        return session;
      },
    } as typeof stand.service;
    expect(before).toBe(1);
    expect(await outcomeOf(signInByProvider({ ...stand, service }))).toBe('LOGIN_REFUSED');
    expect((await stand.service.list(userId)).items).toEqual([]);
  });

  it('is that of the guest who signs in', async () => {
    const guests = await startMailApp(platform, { anonymous: true });
    const guest = guests.client('body');
    await post(guest, 'anonymous', undefined, 'body');
    const guestId = String(claimsOf(guest.accessToken)['sub']);
    const client = await comeByProvider(guests, loginOf({}, { guestId }));
    expect(await userOf(client)).toMatchObject({ id: guestId, isAnonymous: false, email });
    expect((await guest.call('/auth/me')).status).toBe(401);
    const types = guests.events.map(({ type }) => type);
    expect(types).toEqual(['account-created', 'signed-in', 'account-upgraded', 'signed-in']);
  });

  it('is refused where the app does not let the user in', async () => {
    const strict = await startMailApp(platform, {}, { sessions: { findSubject: () => null } });
    expect(await outcomeOf(signInByProvider(strict))).toBe('LOGIN_REFUSED');
  });
});

describe.each(platforms)('a stranger on $name', (platform) => {
  it.each([
    ['an Entra tenant whose administrator sets the address (nOAuth)', { emailVerified: true }, false],
    ['a GitHub account whose address is not verified', { emailVerified: false }, true],
  ] as const)('gets into no account by %s', async (_, claims, vouchesForEmail) => {
    const stand = await startMailApp(platform);
    const login = loginOf({ ...mallory, email, ...claims }, { vouchesForEmail });
    // Before the owner comes, the address is not taken.
    const early = await userOf(await comeByProvider(stand, login));
    expect(early).toMatchObject({ email: null, emailVerified: null });
    const { id } = await stand.accounts.create({ email, emailVerified: true, password });
    const late = loginOf({ ...login.identity, subject: 'mallory-2' }, { vouchesForEmail });
    expect(await outcomeOf(signInByProvider(stand, late))).toBe('EMAIL_TAKEN');
    expect(await stand.accounts.identities(id)).toEqual([]);
    expect((await signInByProvider(stand, login)).userId).toBe(early['id']);
    // The owner signs in, and links.
    const own = loginOf({ email, emailVerified: false }, { linkTo: id, vouchesForEmail });
    expect((await signInByProvider(stand, own)).userId).toBe(id);
  });

  it('who has signed up with the address gets nothing when its owner comes by a provider', async () => {
    const stand = await startMailApp(platform, { signUp: 'verify-first' });
    const stranger = stand.client();
    await post(stranger, 'sign-up', { email, password: strangers, username: 'mallory' });
    const code = stand.linkCode(email);
    const user = await userOf(await comeByProvider(stand));
    expect(user).toMatchObject({ email, emailVerified: true, username: null, hasPassword: false });
    expect(outcome(await post(stranger, 'email/verify', { code }))).toEqual([400, 'INVALID_CODE']);
    const signIn = await post(stranger, 'sign-in', { email, password: strangers });
    expect(outcome(signIn)).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  it('who has linked a provider to an account of the address gets a way into it no more (trojan identifier)', async () => {
    const stand = await startMailApp(platform, { signUp: 'at-once' });
    const stranger = stand.client();
    await post(stranger, 'sign-up', { email, password: strangers });
    const { id } = await userOf(stranger);
    const trojan = loginOf({ ...mallory, email: null }, { linkTo: String(id) });
    expect((await signInByProvider(stand, trojan)).userId).toBe(id);
    const client = await comeByProvider(stand);
    expect((await userOf(client))['id']).toBe(id);
    expect((await stranger.refresh()).status).toBe(401);
    const again = await signInByProvider(stand, loginOf({ ...mallory, email: null }));
    expect(again.userId).not.toBe(id);
    const kept = await stand.accounts.identities(String(id));
    expect(kept.map(({ provider }) => provider)).toEqual([owner.provider]);
  });

  it('who links while the owner comes by a provider is left with no way into the account', async () => {
    const stand = await startMailApp(platform, { signUp: 'at-once' });
    const stranger = stand.client();
    await post(stranger, 'sign-up', { email, password: strangers });
    const { sub: id, sid } = claimsOf(stranger.accessToken) as { readonly sub: string; readonly sid: string };
    const start = stand.service.start.bind(stand.service);
    // Whoever links needs a session, which the callback looks for.
    const service = {
      start: async (...given: Parameters<typeof start>) => {
        const { items } = await stand.service.list(id);
        if (items.every((session) => session.id !== sid)) throw RefusalError.session('revoked', 'It has ended');
        return await start(...given);
      },
    } as typeof stand.service;
    const attack = (at: number) =>
      outcomeOf(
        signInByProvider(
          { ...stand, service },
          loginOf({ ...mallory, subject: `m-${at}`, email: null }, { linkTo: id }),
        ),
      );
    const attacks = Array.from({ length: 20 }, (_, at) => attack(at));
    const [owned, ...outcomes] = await Promise.all([signInByProvider(stand), ...attacks]);
    expect(owned.userId).toBe(id);
    expect(outcomes.every((one) => one === 'accepted' || one === 'LOGIN_REFUSED')).toBe(true);
    expect(await stand.accounts.identities(id)).toMatchObject([{ provider: owner.provider }]);
    expect((await stand.service.list(id)).items.map((session) => session.id)).toEqual([owned.id]);
    expect(await attack(21)).toBe('LOGIN_REFUSED');
    expect(await stand.accounts.identities(id)).toHaveLength(1);
  });
});

describe.each(platforms)('50 logins by a provider on two instances with $name', (platform) => {
  onPostgres.it('make one account, and 50 sessions of it', async () => {
    const { one, other } = await startAccountInstances(platform);
    const logins = Array.from({ length: 50 }, (_, at) => signInByProvider(at % 2 === 0 ? one : other));
    const ids = new Set((await Promise.all(logins)).map(({ userId }) => userId));
    expect(ids.size).toBe(1);
    const [id = ''] = ids;
    expect((await one.accounts.list()).items).toMatchObject([{ id, email, emailVerified: true }]);
    expect((await one.service.list(id, { limit: 200 })).items).toHaveLength(50);
  });

  onPostgres.it('take over an account whose address was never verified, once', async () => {
    const { one, other } = await startAccountInstances(platform, { signUp: 'at-once' });
    const stranger = one.client();
    await post(stranger, 'sign-up', { email, password: strangers });
    const id = String((await userOf(stranger))['id']);
    const logins = Array.from({ length: 50 }, (_, at) => outcomeOf(signInByProvider(at % 2 === 0 ? one : other)));
    expect(new Set(await Promise.all(logins))).toEqual(new Set(['accepted']));
    expect(await other.accounts.find(id)).toMatchObject({ emailVerified: true, hasPassword: false });
    expect(await other.accounts.identities(id)).toMatchObject([{ provider: owner.provider }]);
    expect((await stranger.refresh()).status).toBe(401);
    expect((await one.service.list(id)).items.length).toBeGreaterThan(0);
    const signIn = await post(other.client(), 'sign-in', { email, password: strangers });
    expect(outcome(signIn)).toEqual([401, 'INVALID_CREDENTIALS']);
  });
});
