/** Passkeys of an app with two instances on PostgreSQL, of one with its database down, and of one that lacks a store. */
import { PasskeyStore, postgres, type SqlStoresOptions } from 'nest-gatehouse/sql';
import { describe, expect } from 'vitest';
import { endAfterwards, platforms } from '../support/app.js';
import { type AccountApp, codeOf, email, password } from '../support/account-app.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { ManualClock } from '../support/manual-clock.js';
import { post, startMailApp } from '../support/mail-app.js';
import { errorOf } from '../support/outcome.js';
import { passkeys, PasskeyClient, startPasskeyApp, withPasskey } from '../support/passkey-client.js';
import { SharedDatabase } from '../support/session-instances.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

describe.each(platforms)('passkeys on $name and PostgreSQL', (platform) => {
  it('sign in one of 50 uses of one answer at once, over two instances', async () => {
    const database = new SharedDatabase();
    const clock = new ManualClock();
    const start = (): Promise<AccountApp> => startPasskeyApp(platform, {}, { clock, stores: database.stores() });
    const [one, other] = [await start(), await start()];
    const browser = await withPasskey(one, 'body', { isSynced: false });
    const { options, attempt } = await new PasskeyClient(other.client('body'), 'body').ask('sign-in');
    const response = browser.authenticator.get(options);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        post((at % 2 === 0 ? one : other).client('body'), 'passkeys/sign-in', { response, attempt }, 'body'),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 49 }, () => 401)]);
    const account = await other.accounts.findByEmail(email);
    expect((await other.service.list(account?.id ?? '')).items).toHaveLength(2);

    const copies = [browser.authenticator, browser.authenticator.clone()].map(
      (authenticator, at) => new PasskeyClient((at === 0 ? one : other).client('body'), 'body', authenticator),
    );
    const signIns = await Promise.all(copies.map((copy) => copy.signIn()));
    expect(signIns.map(({ status }) => status).sort(), 'one counter, twice').toEqual([200, 401]);
  });

  it('end when the owner of the address comes, to whom the account of a stranger is given', async () => {
    const database = new SharedDatabase();
    const clock = new ManualClock();
    const stand = await startMailApp(platform, { signUp: 'at-once', passkeys }, { clock, stores: database.stores() });
    const stranger = new PasskeyClient(stand.client());
    await stranger.post('sign-up', { email, password });
    expect((await stranger.register()).status).toBe(200);
    expect((await stranger.signIn()).status).toBe(200);
    const owner = stand.client();
    await post(owner, 'password/forgot', { email });
    const code = stand.linkCode(email);
    expect((await post(owner, 'password/reset', { code, password: 'the owner of the address' })).status).toBe(204);
    expect(codeOf((await stranger.signIn()).json)).toBe('INVALID_CREDENTIALS');
    const account = await stand.accounts.findByEmail(email);
    expect((await stand.service.list(account?.id ?? '')).items).toEqual([]);
  });

  it('are not refused, but answered with 503, while the database is down', async () => {
    const proxy = await DatabaseProxy.start();
    endAfterwards(() => proxy.refuse());
    await proxy.forward();
    const stores = new SharedDatabase().stores({ database: postgres(proxy.url), statementTimeoutMs: 2_000 });
    const stand = await startPasskeyApp(platform, {}, { stores });
    const browser = await withPasskey(stand);
    const { options } = await browser.ask('sign-in');
    const response = browser.authenticator.get(options);
    await proxy.refuse();
    const down = [
      await browser.post('passkeys/sign-in', { response }),
      await browser.post('passkeys/sign-in-options'),
      await browser.post('passkeys/registration-options'),
      await browser.client.call('/auth/passkeys'),
    ];
    for (const { status, json } of down) {
      expect({ status, code: codeOf(json) }).toEqual({ status: 503, code: 'SERVER_ERROR' });
    }
    await proxy.forward();
    const answers = async (): Promise<number> => (await browser.post('passkeys/sign-in', { response })).status;
    await expect.poll(answers, { timeout: 20_000, interval: 100 }).toBe(200);
  });

  it('need their store, and only where they are switched on', async () => {
    const stores = new SharedDatabase().stores({ except: [PasskeyStore] } as Partial<SqlStoresOptions>);
    const error = await errorOf(startPasskeyApp(platform, {}, { stores }));
    expect(error).toMatchObject({ code: 'CONFIGURATION_ERROR' });
    expect(error?.message).toContain('no module of this app provides a PasskeyStore');
    const without = await startPasskeyApp(platform, { passkeys: false }, { stores });
    const { id } = await without.accounts.create({ email, password });
    await without.accounts.delete(id);
    expect(await without.accounts.find(id)).toBeNull();
  });
});
