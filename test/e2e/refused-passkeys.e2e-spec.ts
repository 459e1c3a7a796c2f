/** Passkeys that are refused, and what happens at the same moment as a sign-in, on both platforms. */
import { AccountStore, PasskeyStore } from 'nest-gatehouse/sql';
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { type AccountApp, codeOf, email, password } from '../support/account-app.js';
import type { Answer } from '../support/http.js';
import { InterruptedPasskeyStore } from '../support/interrupted-passkey-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { origin, PasskeyClient, startPasskeyApp, withPasskey } from '../support/passkey-client.js';
import { type CeremonyChanges, SoftwareAuthenticator } from '../support/software-authenticator.js';

function expectRefusal({ status, json, headers }: Answer, what?: string): void {
  expect({ status, json, challenge: headers['www-authenticate'] }, what).toEqual({
    status: 401,
    json: expect.objectContaining({ code: 'INVALID_CREDENTIALS', message: 'The passkey is not accepted' }) as object,
    challenge: 'Bearer',
  });
}

describe.each(platforms)('refused passkeys on $name', (platform) => {
  let stand: AccountApp;
  let store: InterruptedPasskeyStore;
  let accountId: string;

  beforeEach(async () => {
    const clock = new ManualClock();
    store = new InterruptedPasskeyStore();
    const stores = memoryStores({ clock });
    const providers = (stores.providers ?? []).map((provider) =>
      'provide' in provider && provider.provide === PasskeyStore
        ? { provide: PasskeyStore, useValue: store }
        : provider,
    );
    stand = await startPasskeyApp(platform, {}, { clock, stores: [{ ...stores, providers }] });
    accountId = (await stand.accounts.create({ email, emailVerified: true, password })).id;
  });

  const countSessions = async (): Promise<number> => (await stand.service.list(accountId)).items.length;

  const wrong: readonly (readonly [string, CeremonyChanges])[] = [
    ['another domain', { rpId: 'evil.example' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['a frame of another site', { crossOrigin: true }],
    ['a user who was not verified', { isVerified: false }],
    ['a challenge of nobody', { challenge: 'AAAA' }],
  ];

  it('are those of another domain, another origin, a frame, and a user who was not verified', async () => {
    const browser = new PasskeyClient(stand.client());
    await browser.signInWithPassword();
    for (const [what, changes] of wrong) expectRefusal(await browser.register(changes), what);
    await browser.register();
    const other = new PasskeyClient(stand.client(), 'cookies', browser.authenticator);
    for (const [what, changes] of wrong) expectRefusal(await other.signIn(changes), what);
    expectRefusal(await other.signIn({ userHandle: Buffer.alloc(16, 1).toString('base64url') }), 'another account');
    expect(await countSessions()).toBe(1);
    expect((await other.signIn()).status).toBe(200);
  });

  it('are answers that come again, too late, for another ceremony, or from another browser', async () => {
    const browser = await withPasskey(stand);
    const { authenticator } = browser;
    const send = (json: object, by = browser): Promise<Answer> => by.post('passkeys/sign-in', json);
    const ask = async (): Promise<object> => ({ response: authenticator.get((await browser.ask('sign-in')).options) });
    const used = await ask();
    expect((await send(used)).status).toBe(200);
    expectRefusal(await send(used), 'again');

    const late = await ask();
    stand.clock.advanceSeconds(300);
    expectRefusal(await send(late), 'too late');
    const inTime = await ask();
    stand.clock.advanceSeconds(299);
    expect((await send(inTime)).status).toBe(200);

    const registration = await browser.ask('registration');
    const crossed = authenticator.get({ ...registration.options, rpId: 'example.com' });
    expectRefusal(await send({ response: crossed }), 'the other ceremony');

    const elsewhere = new PasskeyClient(stand.client(), 'cookies', authenticator);
    const stolen = await ask();
    expectRefusal(await send(stolen, elsewhere), 'another browser, without its cookie');
    await elsewhere.ask('sign-in');
    expectRefusal(await send(stolen, elsewhere), 'another browser');
    expect((await send(stolen)).status, 'that uses nothing up').toBe(200);

    const native = new PasskeyClient(stand.client('body'), 'body', authenticator);
    const { options, attempt } = await native.ask('sign-in');
    for (const other of [undefined, 'AAAAAAAAAAAAAAAAAAAAAA', `${attempt ?? ''}=`]) {
      expectRefusal(await native.post('passkeys/sign-in', { response: authenticator.get(options), attempt: other }));
    }
    const sent = { response: authenticator.get(options), attempt };
    expect((await native.post('passkeys/sign-in', sent)).status).toBe(200);
  });

  it('are registrations for the challenge of another session, or of a sign-in', async () => {
    const browser = await withPasskey(stand);
    const { authenticator } = new PasskeyClient(browser.client);
    const { options } = await browser.ask('registration');
    const response = authenticator.create(options);
    const otherSession = new PasskeyClient(stand.client());
    await otherSession.signInWithPassword();
    expectRefusal(await otherSession.post('passkeys', { response }), 'another session');
    const signIn = await browser.ask('sign-in');
    const crossed = authenticator.create({ ...options, ...signIn.options });
    expectRefusal(await browser.post('passkeys', { response: crossed }), 'the other ceremony');
    expect((await browser.post('passkeys', { response })).status).toBe(200);
    expectRefusal(await browser.post('passkeys', { response }), 'again');
  });

  it('are those of one device whose counter is not ahead', async () => {
    const single = await withPasskey(stand, 'cookies', { isSynced: false });
    const clone = new PasskeyClient(stand.client(), 'cookies', single.authenticator.clone());
    expect((await single.signIn()).status).toBe(200);
    expectRefusal(await clone.signIn(), 'the counter of the original');
    expect((await single.signIn()).status).toBe(200);
    const synced = await withPasskey(stand);
    for (const counter of [9, 3, 0]) expect((await synced.signIn({ counter })).status).toBe(200);
  });

  it('are those of an account that is disabled, or waits for its address to be verified', async () => {
    const browser = await withPasskey(stand);
    const other = new PasskeyClient(stand.client(), 'cookies', browser.authenticator);
    await stand.accounts.disable(accountId);
    expectRefusal(await other.signIn());
    expect((await store.find(browser.id))?.lastUsedAt, 'that is no use').toBeNull();
    await stand.accounts.enable(accountId);
    expect((await other.signIn()).status).toBe(200);

    const strict = await startPasskeyApp(platform, { signUp: 'verify-first', mail: () => undefined });
    const waiting = await withPasskey(strict);
    const account = await strict.accounts.findByEmail(email);
    await strict.accounts.update(account?.id ?? '', { emailVerified: false });
    expectRefusal(await waiting.signIn());
  });

  it('let one of 50 uses of one answer sign in', async () => {
    const browser = await withPasskey(stand);
    const { options } = await browser.ask('sign-in');
    const response = browser.authenticator.get(options);
    const tabs = Array.from({ length: 50 }, () => new PasskeyClient(browser.client.fork()));
    for (const { client } of tabs) for (const name of ['access', 'refresh']) client.jar.delete(`__Host-${name}`);
    const answers = await Promise.all(tabs.map((tab) => tab.post('passkeys/sign-in', { response })));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const answer of answers) if (answer !== won[0]) expectRefusal(answer);
    expect(await countSessions()).toBe(2);
  });

  it('leave no session of a passkey that was removed meanwhile', async () => {
    const browser = await withPasskey(stand);
    store.afterUse = () => store.remove(accountId, browser.id);
    const other = new PasskeyClient(stand.client(), 'cookies', browser.authenticator);
    const { status, json } = await other.signIn();
    expect({ status, code: codeOf(json) }).toEqual({ status: 401, code: 'INVALID_CREDENTIALS' });
    expect(other.client.cookie('access')).toBe('');
    expect(await countSessions()).toBe(1);
  });

  it('leave no passkey of a session that ended, or an account that was disabled or deleted, meanwhile', async () => {
    for (const end of [
      () => stand.service.endAll(accountId),
      () => stand.accounts.disable(accountId),
      () => stand.accounts.delete(accountId),
    ]) {
      const browser = new PasskeyClient(stand.client());
      expect((await browser.signInWithPassword()).status).toBe(200);
      store.beforeCreate = end;
      expectRefusal(await browser.register());
      expect(await store.listOfAccount(accountId)).toEqual([]);
      store.beforeCreate = undefined;
      if ((await stand.accounts.find(accountId)) !== null) await stand.accounts.enable(accountId);
    }
  });

  it('stay when the other way to sign in is removed at the same moment', async () => {
    const browser = await withPasskey(stand);
    const other = await withPasskey(stand);
    const accounts = stand.app.nest.get<AccountStore>(AccountStore);
    await accounts.change(accountId, (found) => ({ ...found, credentials: {} }));
    await browser.signIn();
    store.beforeRemove = () => store.remove(accountId, other.id);
    const removed = await browser.client.call(`/auth/passkeys/${browser.id}`, { method: 'DELETE' });
    expect({ status: removed.status, code: codeOf(removed.json) }).toEqual({
      status: 409,
      code: 'LAST_SIGN_IN_METHOD',
    });
    expect((await store.listOfAccount(accountId)).map(({ credentialId }) => credentialId)).toEqual([browser.id]);
    expect((await browser.signIn()).status).toBe(200);
  });

  it('count as failures of the network, and not where the account is known from it', async () => {
    const browser = await withPasskey(stand);
    const stranger = new PasskeyClient(stand.client(), 'cookies', new SoftwareAuthenticator({ origin }));
    const response = { id: 'unknown' };
    for (let count = 0; count < 100; count += 1) expectRefusal(await stranger.post('passkeys/sign-in', { response }));
    const { status, headers, json } = await stranger.post('passkeys/sign-in', { response });
    expect({ status, code: codeOf(json) }).toEqual({ status: 429, code: 'TOO_MANY_ATTEMPTS' });
    expect(headers['retry-after']).toBe('900');
    expect((await browser.signIn()).status, 'its owner is known from here').toBe(200);
    const known = { response: { id: browser.id } };
    for (let count = 0; count < 100; count += 1) expectRefusal(await browser.post('passkeys/sign-in', known));
    expect(codeOf((await browser.signIn()).json)).toBe('TOO_MANY_ATTEMPTS');
    stand.clock.advanceSeconds(900);
    expect((await browser.signIn()).status).toBe(200);
  });
});
