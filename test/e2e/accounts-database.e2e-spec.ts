/** Each route of accounts on two instances of an app that share a PostgreSQL, on both platforms. */
import { ApiKeyService, ApiKeysModule, apiKeys } from 'nest-gatehouse/api-keys';
import { ownTokens } from 'nest-gatehouse/sessions';
import { ProviderTokenStore } from 'nest-gatehouse/sql';
import { beforeAll, beforeEach, describe, expect } from 'vitest';
import { type AccountInstances, dumpTables, outcomesOf, startAccountInstances } from '../support/account-instances.js';
import { password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { Authenticator } from '../support/authenticator.js';
import { type MailApp, outcome, post } from '../support/mail-app.js';
import { claimsOf, type SessionClient } from '../support/session-app.js';
import { onPostgres } from '../support/store-runner.js';
import { postgresMissing } from '../support/postgres.js';

const it = onPostgres.it;
const another = 'staple of the horse';
/** Until an instance has read what another one has revoked. */
const waiting = { timeout: 20_000, interval: 50 };

describe.each(platforms)('accounts on two instances with $name', (platform) => {
  let instances: AccountInstances;
  let one: MailApp;
  let other: MailApp;
  let person = 0;
  /** Of this test alone. */
  let email: string;

  beforeAll(async () => {
    if (postgresMissing !== undefined) return;
    const auth = { issuers: [ownTokens(), apiKeys()] };
    const imports = [ApiKeysModule.forRoot({ prefix: 'acme' })];
    instances = await startAccountInstances(platform, {}, { auth, imports });
    ({ one, other } = instances);
  });

  beforeEach(() => {
    person += 1;
    email = `ada${person}@example.com`;
    // What the test before has counted counts no longer.
    if (postgresMissing === undefined) instances.clock.advanceSeconds(3_600);
  });

  /** A person who has signed up at one instance, and verified the address at the other one. */
  const signUp = async (json: object = {}): Promise<SessionClient> => {
    const browser = one.client();
    expect((await post(browser, 'sign-up', { email, password, ...json })).status).toBe(202);
    const there = browser.fork(other.app);
    expect((await post(there, 'email/verify', { code: one.linkCode(email) })).status).toBe(200);
    instances.clock.advanceSeconds(61);
    return there;
  };

  const idOf = (client: SessionClient): string => String(claimsOf(client.accessToken)['sub']);
  const expectMe = async (client: SessionClient, user: object): Promise<void> => {
    expect((await client.call('/auth/me')).json).toMatchObject({ user });
  };

  it('sign up at one, verify at the other, and sign in at both, by address and username', async () => {
    const browser = await signUp({ username: 'ada', name: 'Ada' });
    await expectMe(browser.fork(one.app), { email, username: 'ada', name: 'Ada', emailVerified: true });
    await one.signIn({ email, password });
    await other.signIn({ username: 'ADA', password });
    const wrong = await post(other.client(), 'sign-in', { email, password: another });
    expect(outcome(wrong)).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  it('make a guest at one, and a user of the guest at the other', async () => {
    const guest = one.client();
    expect((await post(guest, 'anonymous')).json).toMatchObject({ user: { isAnonymous: true } });
    const there = guest.fork(other.app);
    await post(there, 'sign-up', { email, password });
    const verified = await post(there.fork(one.app), 'email/verify', { code: other.linkCode(email) });
    expect(verified.json).toMatchObject({ user: { id: idOf(guest), isAnonymous: false } });
    expect(
      (await one.accounts.list({ search: 'ada' })).items.filter((account) => account.email === email),
    ).toHaveLength(1);
  });

  it('mail a new verification at one, which ends the code of the other', async () => {
    const browser = one.client();
    await post(browser, 'sign-up', { email, password });
    instances.clock.advanceSeconds(61);
    expect((await post(other.client(), 'email/send-verification', { email })).status).toBe(202);
    const verify = (code: string) => post(browser.fork(other.app), 'email/verify', { code });
    expect(outcome(await verify(one.linkCode(email)))).toEqual([400, 'INVALID_CODE']);
    expect((await verify(other.linkCode(email))).status).toBe(200);
  });

  it('change an address: asked for at one, confirmed at the other, and the earlier one is told', async () => {
    const browser = await signUp();
    const changed = `lovelace-${email}`;
    expect((await post(browser.fork(one.app), 'email/change', { email: changed })).status).toBe(202);
    const confirmed = await post(browser, 'email/verify', { code: one.linkCode(changed) });
    expect(confirmed.json).toMatchObject({ user: { email: changed, emailVerified: true } });
    expect(other.mailTo(email).kind).toBe('email-changed');
    await one.signIn({ email: changed, password });
    expect((await post(one.client(), 'sign-in', { email, password })).status).toBe(401);
  });

  it('set a forgotten password at the other, which ends the sessions of both', async () => {
    const browser = await signUp();
    expect((await post(one.client(), 'password/forgot', { email })).status).toBe(202);
    const reset = { code: one.linkCode(email), password: another };
    expect((await post(other.client(), 'password/reset', reset)).status).toBe(204);
    expect((await browser.call('/me')).status).toBe(401);
    await expect.poll(async () => (await browser.fork(one.app).call('/me')).status, waiting).toBe(401);
    expect((await post(one.client(), 'sign-in', { email, password })).status).toBe(401);
    await one.signIn({ email, password: another });
  });

  it('change a password at one, which leaves that session and ends that of the other', async () => {
    const browser = await signUp();
    const second = await other.signIn({ email, password });
    const changed = { currentPassword: password, password: another };
    expect((await post(browser.fork(one.app), 'password/change', changed)).status).toBe(204);
    expect((await browser.refresh()).status).toBe(200);
    expect((await second.refresh()).status).toBe(401);
    await other.signIn({ email, password: another });
  });

  it('mail a magic link at one, and sign in by it at the other', async () => {
    expect((await post(one.client(), 'magic-link', { email })).status).toBe(202);
    const browser = other.client();
    const confirmed = await post(browser, 'magic-link/confirm', { code: one.linkCode(email) });
    expect(confirmed.json).toMatchObject({ is_new_user: true, user: { email, hasPassword: false } });
    await expectMe(browser.fork(one.app), { id: idOf(browser), email });
  });

  it('register a second factor at one, ask for it at the other, and remove it', async () => {
    const browser = await signUp();
    const here = browser.fork(one.app);
    const registered = await post(here, 'totp/registration');
    const phone = new Authenticator((registered.json as { uri: string }).uri, instances.clock);
    expect((await post(browser, 'totp', { code: phone.code() })).json).toMatchObject({
      recoveryCodes: Array<unknown>(10).fill(expect.any(String)),
    });
    instances.clock.advanceSeconds(30);
    const asked = await post(one.client(), 'sign-in', { email, password });
    expect(outcome(asked)).toEqual([401, 'MFA_REQUIRED']);
    const { attemptCode } = asked.json as { attemptCode: string };
    const given = { attemptCode, code: phone.code() };
    const give = (instance: MailApp) => post(instance.client(), 'sign-in/totp', given);
    expect(await outcomesOf(instances, 6, give)).toMatchObject({ '200': 1 });
    expect((await here.call('/auth/totp', { method: 'DELETE' })).status).toBe(204);
    await other.signIn({ email, password });
  });

  it('show identities that were linked at one, and unlink them at the other', async () => {
    const browser = await signUp();
    await one.accounts.linkIdentity(idOf(browser), { provider: 'github', subject: email });
    expect((await browser.call('/auth/identities')).json).toMatchObject({ items: [{ provider: 'github' }] });
    expect((await browser.call('/auth/identities/github', { method: 'DELETE' })).status).toBe(204);
    expect((await browser.fork(one.app).call('/auth/identities')).json).toMatchObject({ items: [] });
  });

  it('change a profile at one, which the other shows', async () => {
    const browser = await signUp({ name: 'Ada' });
    const changed = await browser.fork(one.app).call('/auth/me', { method: 'PATCH', json: { name: 'Lovelace' } });
    expect(changed.json).toMatchObject({ user: { name: 'Lovelace' } });
    await expectMe(browser, { name: 'Lovelace' });
  });

  it('delete an account at one: no table has a row with its id or its address', async () => {
    const browser = await signUp({ username: 'to be deleted' });
    const id = idOf(browser);
    await one.accounts.linkIdentity(id, { provider: 'github', subject: email });
    await one.app.nest.get(ProviderTokenStore).save(id, 'github', Buffer.alloc(9), instances.clock.now());
    await one.groups.create({ name: 'staff' });
    await one.groups.addMember('staff', id);
    await one.app.nest.get(ApiKeyService).create({ userId: id });
    await post(browser, 'password/forgot', { email });
    await post(browser, 'totp/registration');
    await post(browser, 'email/change', { email: `lovelace-${email}` });
    const tablesWith = async (text: string): Promise<readonly string[]> => {
      const tables = await dumpTables(instances.database.schema);
      return [...tables].flatMap(([name, rows]) => (rows.some((row) => row.includes(text)) ? [name] : [])).sort();
    };
    expect(await tablesWith(id)).toEqual([
      'accounts',
      'api_keys',
      'group_members',
      'identities',
      'one_time_codes',
      'provider_tokens',
      'sessions',
    ]);
    expect((await browser.fork(one.app).call('/auth/me', { method: 'DELETE' })).status).toBe(204);
    expect(await tablesWith(id)).toEqual([]);
    expect(await tablesWith(email)).toEqual([]);
    expect(outcome(await post(other.client(), 'sign-in', { email, password }))).toEqual([401, 'INVALID_CREDENTIALS']);
    await expect.poll(async () => (await browser.call('/me')).status, waiting).toBe(401);
  });
});
