/** What is done to one account at the same moment, on two instances of an app that share a PostgreSQL, on both platforms. */
import { beforeAll, beforeEach, describe, expect } from 'vitest';
import { type AccountInstances, outcomesOf, startAccountInstances } from '../support/account-instances.js';
import { password } from '../support/account-app.js';
import { type Platform, platforms } from '../support/app.js';
import { type MailApp, outcome, post } from '../support/mail-app.js';
import { postgresMissing } from '../support/postgres.js';
import { claimsOf, type SessionClient } from '../support/session-app.js';
import { onPostgres } from '../support/store-runner.js';

const it = onPostgres.it;

describe.each(platforms)('at once, on two instances with $name,', (platform) => {
  let instances: AccountInstances;
  let one: MailApp;
  let other: MailApp;
  let person = 0;
  /** Of this test alone. */
  let email: string;

  beforeAll(async () => {
    if (postgresMissing !== undefined) return;
    instances = await startAccountInstances(platform);
    ({ one, other } = instances);
  });

  beforeEach(() => {
    person += 1;
    email = `ada${person}@example.com`;
    // What the test before has counted counts no longer.
    if (postgresMissing === undefined) instances.clock.advanceSeconds(3_600);
  });

  const signUp = async (): Promise<SessionClient> => {
    const browser = one.client();
    expect((await post(browser, 'sign-up', { email, password })).status).toBe(202);
    return browser;
  };

  const sessionsOf = async (address = email): Promise<number> => {
    const account = await one.accounts.findByEmail(address);
    return (await one.service.list(account?.id ?? '')).items.length;
  };
  /** How many accounts there are whose address begins as that of this test. */
  const countAccounts = async (): Promise<number> => (await one.accounts.list({ search: `ada${person}` })).items.length;

  it('50 uses of the code in a link are one sign-in', async () => {
    const browser = await signUp();
    const code = one.linkCode(email);
    const use = (instance: MailApp) => post(browser.fork(instance.app), 'email/verify', { code });
    expect(await outcomesOf(instances, 50, use)).toEqual({ '200': 1, '400 INVALID_CODE': 49 });
    expect(await sessionsOf()).toBe(1);
  });

  it('50 uses of a code that was typed are one sign-in', async () => {
    const browser = await signUp();
    const { code } = one.mailTo(email);
    const use = (instance: MailApp) => post(browser.fork(instance.app), 'email/verify', { email, code });
    const {
      '200': used,
      '400 INVALID_CODE': refused = 0,
      '429 TOO_MANY_ATTEMPTS': tooMany = 0,
    } = await outcomesOf(instances, 50, use);
    expect([used, refused + tooMany]).toEqual([1, 49]);
    expect(await sessionsOf()).toBe(1);
  });

  it('50 wrong codes that were typed end that code, and leave the link valid', async () => {
    const browser = await signUp();
    const { code } = one.mailTo(email);
    const wrong = code === '000000' ? '000001' : '000000';
    const guess = (instance: MailApp) => post(instance.client(), 'email/verify', { email, code: wrong });
    expect(await outcomesOf(instances, 50, guess)).toEqual({ '400 INVALID_CODE': 10, '429 TOO_MANY_ATTEMPTS': 40 });
    const typed = (instance: MailApp) => post(browser.fork(instance.app), 'email/verify', { email, code });
    expect(await outcomesOf(instances, 2, typed)).toEqual({ '429 TOO_MANY_ATTEMPTS': 2 });
    const link = await post(browser.fork(other.app), 'email/verify', { code: one.linkCode(email) });
    expect(link.status).toBe(200);
  });

  it('50 confirmations of a magic link of a new person make one account', async () => {
    await post(one.client(), 'magic-link', { email });
    const code = one.linkCode(email);
    const confirm = (instance: MailApp) => post(instance.client(), 'magic-link/confirm', { code });
    expect(await outcomesOf(instances, 50, confirm)).toEqual({ '200': 1, '400 INVALID_CODE': 49 });
    expect([await countAccounts(), await sessionsOf()]).toEqual([1, 1]);
  });

  it('50 confirmations of a magic link of somebody with an account are one sign-in', async () => {
    await one.accounts.create({ email, emailVerified: true, password });
    await post(one.client(), 'magic-link', { email });
    const code = one.linkCode(email);
    const confirm = (instance: MailApp) => post(instance.client(), 'magic-link/confirm', { code });
    expect(await outcomesOf(instances, 50, confirm)).toEqual({ '200': 1, '400 INVALID_CODE': 49 });
    expect(await sessionsOf()).toBe(1);
  });

  it('confirmations of a sign-up and of a magic link verify one account', async () => {
    const browser = await signUp();
    const verifying = one.linkCode(email);
    instances.clock.advanceSeconds(61);
    await post(other.client(), 'magic-link', { email });
    const magic = other.linkCode(email);
    const outcomes = await outcomesOf(instances, 20, (instance, at) =>
      at % 4 < 2
        ? post(browser.fork(instance.app), 'email/verify', { code: verifying })
        : post(instance.client(), 'magic-link/confirm', { code: magic }),
    );
    const { '200': signedIn = 0, '400 INVALID_CODE': refused = 0, '401 INVALID_CREDENTIALS': changed = 0 } = outcomes;
    expect(signedIn + refused + changed).toBe(20);
    expect(signedIn).toBeGreaterThan(0);
    expect(signedIn).toBeLessThanOrEqual(2);
    expect(await countAccounts()).toBe(1);
    expect(await one.accounts.findByEmail(email)).toMatchObject({ emailVerified: true });
  });

  it('20 sign-ups for one address make one account, and mail one code', async () => {
    const start = (instance: MailApp) => post(instance.client(), 'sign-up', { email, password });
    expect(await outcomesOf(instances, 20, start)).toEqual({ '202': 20 });
    expect(await countAccounts()).toBe(1);
    const mails = [one, other].flatMap(({ mailbox }) => mailbox.all).filter(({ to }) => to === email);
    expect(mails).toHaveLength(1);
  });

  it('two sign-ups of one guest make one account, by the address that is verified first', async () => {
    const guest = one.client();
    const made = await post(guest, 'anonymous');
    const { id } = (made.json as { user: { id: string } }).user;
    const addresses = [email, `ada${person}-b@example.com`] as const;
    const browsers = [guest.fork(one.app), guest.fork(other.app)] as const;
    const start = (at: 0 | 1) => post(browsers[at], 'sign-up', { email: addresses[at], password });
    expect((await Promise.all([start(0), start(1)])).map(({ status }) => status)).toEqual([202, 202]);
    const codes = [one.linkCode(addresses[0]), other.linkCode(addresses[1])] as const;
    const verify = (at: 0 | 1) => post(browsers[at], 'email/verify', { code: codes[at] });
    const verified = await Promise.all([verify(0), verify(1)]);
    const successes = verified.filter(({ status }) => status === 200);
    // One that comes when the guest is a user already makes an account of its own; one that comes at the same moment has to come again.
    for (const answer of verified)
      expect([
        [200, undefined],
        [400, 'INVALID_CODE'],
      ]).toContainEqual(outcome(answer));
    const { items } = await one.accounts.list({ search: `ada${person}` });
    const verifiedAccounts = items.filter(({ emailVerified }) => emailVerified);
    expect(verifiedAccounts).toHaveLength(successes.length);
    expect(verifiedAccounts.filter((account) => account.id === id && !account.isAnonymous)).toHaveLength(1);
  });

  it('two magic links of one guest make one account', async () => {
    const guest = one.client();
    const { id } = ((await post(guest, 'anonymous')).json as { user: { id: string } }).user;
    await post(guest, 'magic-link', { email });
    const code = one.linkCode(email);
    const confirm = (instance: MailApp) => post(guest.fork(instance.app), 'magic-link/confirm', { code });
    expect(await outcomesOf(instances, 2, confirm)).toEqual({ '200': 1, '400 INVALID_CODE': 1 });
    expect((await one.accounts.findByEmail(email))?.id).toBe(id);
    expect(await countAccounts()).toBe(1);
  });

  it('30 wrong passwords are judged ten times, and the right one not at all after them', async () => {
    const { id } = await one.accounts.create({ email, emailVerified: true, password });
    const guess = (text: string) => (instance: MailApp) =>
      post(instance.client(), 'sign-in', { email, password: text });
    expect(await outcomesOf(instances, 30, guess('wrong horse battery'))).toEqual({
      '401 INVALID_CREDENTIALS': 10,
      '429 TOO_MANY_ATTEMPTS': 20,
    });
    expect(await outcomesOf(instances, 2, guess(password))).toEqual({ '429 TOO_MANY_ATTEMPTS': 2 });
    instances.clock.advanceSeconds(900);
    expect(await outcomesOf(instances, 6, guess(password))).toEqual({ '200': 6 });
    expect((await one.service.list(id)).items).toHaveLength(6);
  });

  it('40 sign-ups of one network are 30, and 40 guests too', async () => {
    const start = (instance: MailApp, at: number) =>
      post(instance.client(), 'sign-up', { email: `ada${person}-${at}@example.com` });
    expect(await outcomesOf(instances, 40, start)).toEqual({ '202': 30, '429 TOO_MANY_ATTEMPTS': 10 });
    const visit = (instance: MailApp) => post(instance.client(), 'anonymous');
    expect(await outcomesOf(instances, 40, visit)).toEqual({ '200': 30, '429 TOO_MANY_ATTEMPTS': 10 });
  });

  it('a change of the password and sign-ins with the earlier one leave no session of that', async () => {
    const { id } = await one.accounts.create({ email, emailVerified: true, password });
    const browser = await one.signIn({ email, password });
    const changed = { currentPassword: password, password: 'staple of the horse' };
    const answers = await Promise.all([
      post(browser.fork(other.app), 'password/change', changed),
      ...Array.from({ length: 8 }, (_, at) =>
        post((at % 2 === 0 ? one : other).client(), 'sign-in', { email, password }),
      ),
    ]);
    expect(answers.every(({ status }) => status < 500)).toBe(true);
    expect(answers[0]?.status).toBe(204);
    expect((await one.service.list(id)).items).toHaveLength(1);
    expect((await browser.refresh()).status).toBe(200);
  });
});

describe.each(platforms)('where accounts work at once, on two instances with $name,', (platform: Platform) => {
  it('20 sign-ups for one address make one account, and so do 20 of one guest', async () => {
    const instances = await startAccountInstances(platform, { signUp: 'at-once' });
    const { one } = instances;
    const email = 'ada@example.com';
    const start = (instance: MailApp) => post(instance.client(), 'sign-up', { email, password });
    expect(await outcomesOf(instances, 20, start)).toEqual({ '200': 1, '409 EMAIL_TAKEN': 19 });
    instances.clock.advanceSeconds(3_600);
    const guest = one.client();
    await post(guest, 'anonymous');
    const id = claimsOf(guest.accessToken)['sub'];
    const upgrade = (instance: MailApp) =>
      post(guest.fork(instance.app), 'sign-up', { email: 'eve@example.com', password });
    const { '200': upgraded, ...refused } = await outcomesOf(instances, 20, upgrade);
    expect(upgraded).toBe(1);
    expect(Object.keys(refused).every((text) => /^4(?:04 NOT_FOUND|09 EMAIL_TAKEN)$/.test(text))).toBe(true);
    expect((await one.accounts.list()).items.map((account) => [account.email, account.id === id])).toEqual([
      ['eve@example.com', true],
      [email, false],
    ]);
  });
});
