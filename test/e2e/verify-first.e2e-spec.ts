/** Signing up with an address that is verified first, on both platforms. */
import { beforeEach, describe, expect, it } from 'vitest';

import { email, password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { comparable, type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import { claimsOf, setCookiesOf } from '../support/session-app.js';

describe.each(platforms)('signing up with verification on $name', (platform) => {
  let stand: MailApp;

  beforeEach(async () => {
    stand = await startMailApp(platform);
  });

  it('signs in the browser that signed up, by the link of the mail', async () => {
    const browser = stand.client();
    const answer = await post(browser, 'sign-up', { email: 'Ada@Example.com', password, username: 'ada', name: 'Ada' });
    expect([answer.status, answer.json]).toEqual([202, {}]);
    expect(setCookiesOf(answer)).toEqual([
      expect.stringMatching(/^__Host-sign-up=[\w-]{22}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=86400$/),
    ]);
    expect(stand.mailTo(email)).toEqual({
      kind: 'verify-email',
      to: 'Ada@Example.com',
      code: expect.stringMatching(/^\d{6}$/) as string,
      link: expect.stringMatching(/^https:\/\/app\.example\.com\/verify\?code=goc_[\w-]{22}$/) as string,
      account: expect.objectContaining({ email: 'Ada@Example.com', emailVerified: false }) as object,
      locale: null,
    });
    expect(outcome(await post(stand.client(), 'sign-in', { email, password }))).toEqual([401, 'INVALID_CREDENTIALS']);
    const verified = await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(verified.json).toMatchObject({
      is_new_user: true,
      user: { name: 'Ada', username: 'ada', emailVerified: true },
    });
    expect(claimsOf(browser.accessToken)['amr']).toEqual(['otp']);
    await stand.signIn();
    await stand.signIn({ username: 'ada', password });
    expect(stand.events.map(({ type }) => type).slice(0, 3)).toEqual([
      'account-created',
      'account-verified',
      'signed-in',
    ]);
  });

  it('takes the typed code with its address, and the password from another browser', async () => {
    await post(stand.client(), 'sign-up', { email, password });
    const { code } = stand.mailTo(email);
    const other = stand.client();
    expect(outcome(await post(other, 'email/verify', { email, code }))).toEqual([401, 'PASSWORD_REQUIRED']);
    const wrong = await post(other, 'email/verify', { email, code, password: 'another horse battery' });
    expect(outcome(wrong)).toEqual([401, 'PASSWORD_REQUIRED']);
    expect(wrong.headers['www-authenticate']).toBe('Bearer');
    expect((await stand.accounts.findByEmail(email))?.emailVerified).toBe(false);
    const right = await post(other, 'email/verify', { email: 'ADA@example.com', code, password });
    expect(right.status).toBe(200);
    expect(claimsOf(other.accessToken)['amr']).toEqual(['otp', 'pwd']);
    expect(outcome(await post(other, 'email/verify', { email, code, password }))).toEqual([400, 'INVALID_CODE']);
  });

  it('counts a wrong password beside the code as a failure of the login', async () => {
    await post(stand.client(), 'sign-up', { email, password });
    const code = stand.linkCode(email);
    const guess = (text: string) => post(stand.client(), 'email/verify', { code, password: text });
    for (let n = 0; n < 10; n += 1) expect(outcome(await guess('wrong horse battery'))[1]).toBe('PASSWORD_REQUIRED');
    expect(outcome(await guess(password))).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    expect(outcome(await post(stand.client(), 'sign-in', { email, password }))).toEqual([429, 'TOO_MANY_ATTEMPTS']);
  });

  it('ends a typed code by five wrong ones, and leaves the link valid', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const { code } = stand.mailTo(email);
    const wrong = code === '000000' ? '000001' : '000000';
    const results = await Promise.all(
      Array.from({ length: 8 }, () => post(stand.client(), 'email/verify', { email, code: wrong })),
    );
    for (const result of results) expect(outcome(result)).toEqual([400, 'INVALID_CODE']);
    expect(outcome(await post(browser, 'email/verify', { email, code }))).toEqual([400, 'INVALID_CODE']);
    expect((await post(browser, 'email/verify', { code: stand.linkCode(email) })).status).toBe(200);
  });

  it('gives one of 50 uses of a code at once a session', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const code = stand.linkCode(email);
    const uses = await Promise.all(Array.from({ length: 50 }, () => post(browser.fork(), 'email/verify', { code })));
    expect(uses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(uses.filter((use) => outcome(use)[1] === 'INVALID_CODE')).toHaveLength(49);
    const account = await stand.accounts.findByEmail(email);
    expect((await stand.service.list(account?.id ?? '')).items).toHaveLength(1);
  });

  it('uses nothing up by GET or HEAD', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const code = stand.linkCode(email);
    for (const method of ['GET', 'HEAD'] as const) {
      expect((await stand.client().call(`/auth/email/verify?code=${code}`, { method })).status).toBe(404);
    }
    expect((await post(browser, 'email/verify', { code })).status).toBe(200);
  });

  it('starts over when somebody signs up again, and ends the earlier code and password', async () => {
    await post(stand.client(), 'sign-up', { email, password: 'first horse battery', name: 'First' });
    const first = stand.linkCode(email);
    stand.clock.advanceSeconds(61);
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    expect(outcome(await post(browser, 'email/verify', { code: first }))).toEqual([400, 'INVALID_CODE']);
    const verified = await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(verified.json).toMatchObject({ user: { name: null } });
    expect(outcome(await post(stand.client(), 'sign-in', { email, password: 'first horse battery' }))[0]).toBe(401);
    await stand.signIn();
    expect((await stand.accounts.list()).items).toHaveLength(1);
  });

  it('mails one code a minute, and leaves the earlier one valid', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const code = stand.linkCode(email);
    const again = await post(stand.client(), 'sign-up', { email, password: 'another horse battery' });
    expect([again.status, stand.mailbox.all.length]).toEqual([202, 1]);
    expect((await post(browser, 'email/verify', { code })).status).toBe(200);
  });

  it('answers alike whether or not the address has an account', async () => {
    await stand.accounts.create({ email, emailVerified: true, password });
    const pending = 'pending@example.com';
    await post(stand.client(), 'sign-up', { email: pending, password });
    await stand.accounts.create({ email: 'off@example.com', emailVerified: true });
    await stand.accounts.disable((await stand.accounts.findByEmail('off@example.com'))?.id ?? '');
    stand.clock.advanceSeconds(3_601);
    stand.mailbox.clear();
    const addresses = [email, pending, 'off@example.com', 'nobody@example.com'];
    const kinds: Record<string, (string | undefined)[]> = {};
    for (const path of ['email/send-verification', 'password/forgot', 'magic-link', 'sign-up']) {
      const answers = [];
      for (const address of addresses) {
        const json = path === 'sign-up' ? { email: address, password: 'another horse battery' } : { email: address };
        answers.push(comparable(await post(stand.client(), path, json)));
      }
      expect(answers[0]).toMatchObject({ status: 202, text: '{}' });
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      kinds[path] = addresses.map((address) => stand.mailbox.last(address)?.kind);
      stand.clock.advanceSeconds(601);
    }
    expect(kinds).toEqual({
      'email/send-verification': ['account-exists', 'verify-email', 'no-account', 'no-account'],
      'password/forgot': ['reset-password', 'reset-password', 'no-account', 'no-account'],
      'magic-link': ['magic-link', 'magic-link', 'no-account', 'magic-link'],
      'sign-up': ['account-exists', 'verify-email', 'account-exists', 'verify-email'],
    });
  });

  it('says that a username is taken, for taken and free addresses alike', async () => {
    await stand.accounts.create({ email, emailVerified: true, username: 'ada' });
    const answers = [];
    for (const address of [email, 'new@example.com']) {
      answers.push(comparable(await post(stand.client(), 'sign-up', { email: address, password, username: 'Ada' })));
    }
    expect(answers[0]).toMatchObject({ status: 409, text: expect.stringContaining('USERNAME_TAKEN') as string });
    expect(answers[1]).toEqual(answers[0]);
    expect(stand.mailbox.all).toEqual([]);
  });

  it('reserves a username for a day, whether or not the address has an account', async () => {
    await stand.accounts.create({ email, emailVerified: true });
    for (const address of [email, 'free@example.com']) {
      const username = `name of ${address.split('@')[0]}`;
      await post(stand.client(), 'sign-up', { email: address, password, username });
      const other = { email: `other-${address}`, password, username };
      expect(outcome(await post(stand.client(), 'sign-up', other))).toEqual([409, 'USERNAME_TAKEN']);
      expect((await post(stand.client(), 'sign-up', { email: address, password, username })).status).toBe(202);
      stand.clock.advanceSeconds(86_401);
      expect((await post(stand.client(), 'sign-up', other)).status).toBe(202);
    }
  });

  it('lets a browser use its username for another address, as after a typing error', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email: 'adda@example.com', password, username: 'ada' });
    expect((await post(browser, 'sign-up', { email, password, username: 'ada' })).status).toBe(202);
    const verified = await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(verified.json).toMatchObject({ user: { username: 'ada' } });
  });

  it('lets a browser sign up again with the username it has chosen', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password, username: 'ada' });
    stand.clock.advanceSeconds(61);
    expect((await post(browser, 'sign-up', { email, password, username: 'ada' })).status).toBe(202);
    expect((await post(browser, 'email/verify', { code: stand.linkCode(email) })).status).toBe(200);
    await stand.signIn({ username: 'ada', password });
  });

  it('keeps id and custom data of a guest, whose sessions end', async () => {
    const browser = stand.client();
    const guest = await post(browser, 'anonymous');
    const { id } = (guest.json as { user: { id: string } }).user;
    await stand.accounts.patchCustomData(id, { cart: ['book'] });
    const before = browser.fork();
    await post(browser, 'sign-up', { email, password });
    expect((await stand.accounts.find(id))?.isAnonymous).toBe(true);
    const verified = await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(verified.json).toMatchObject({ user: { id, isAnonymous: false, emailVerified: true } });
    expect((await before.refresh()).status).toBe(401);
    expect(await stand.accounts.find(id)).toMatchObject({ customData: { cart: ['book'] }, email, hasPassword: true });
    expect(stand.events.map(({ type }) => type)).toContain('account-upgraded');
    expect((await stand.accounts.list()).items).toHaveLength(1);
  });

  it('lets a guest take an address that another browser has signed up for in vain', async () => {
    await post(stand.client(), 'sign-up', { email, password: 'strangers horse battery' });
    stand.clock.advanceSeconds(61);
    const browser = stand.client();
    const { id } = ((await post(browser, 'anonymous')).json as { user: { id: string } }).user;
    await post(browser, 'sign-up', { email, password });
    expect((await post(browser, 'email/verify', { code: stand.linkCode(email) })).json).toMatchObject({ user: { id } });
    expect((await stand.accounts.list()).items.map((account) => account.id)).toEqual([id]);
  });

  it('delivers no cookie to a client that takes tokens in the body, which sends the password along', async () => {
    const client = stand.client('body');
    const answer = await post(client, 'sign-up', { email, password }, 'body');
    expect(setCookiesOf(answer)).toEqual([]);
    const code = stand.linkCode(email);
    expect(outcome(await post(client, 'email/verify', { code }, 'body'))).toEqual([401, 'PASSWORD_REQUIRED']);
    const verified = await post(client, 'email/verify', { code, password }, 'body');
    expect(verified.json).toMatchObject({ token_type: 'Bearer' });
    expect(setCookiesOf(verified)).toEqual([]);
  });

  it('signs up without a password, and verifies in any browser', async () => {
    await post(stand.client(), 'sign-up', { email });
    const verified = await post(stand.client(), 'email/verify', { code: stand.linkCode(email) });
    expect(verified.json).toMatchObject({ user: { hasPassword: false, emailVerified: true } });
  });

  it.each([
    [{ password }, ['email']],
    [{ email: 'ada', password, admin: true }, ['admin']],
    [{ email: 'ada', password }, ['email']],
    [{ email, password, emailVerified: true }, ['emailVerified']],
    [
      { email, password: 5, username: 'a@b', pictureUrl: 'javascript:alert(1)' },
      ['pictureUrl', 'username', 'password'],
    ],
    [{ email, password, __proto__2: 1 }, ['__proto__2']],
    [{ email, password, constructor: {} }, ['constructor']],
  ])('refuses to sign up with %j', async (json, fields) => {
    const answer = await post(stand.client(), 'sign-up', json);
    expect(outcome(answer)).toEqual([400, 'INVALID_INPUT']);
    const given = (answer.json as { fields: { path: string }[] }).fields.map(({ path }) => path);
    expect([...given].sort()).toEqual([...fields].sort());
    expect((await stand.accounts.list()).items).toEqual([]);
  });

  it('names the language that the browser prefers', async () => {
    await stand.client().post('/auth/magic-link', { email }, [['Accept-Language', 'de-CH,de;q=0.9']]);
    expect(stand.mailTo(email).locale).toBe('de-CH');
    await stand.client().post('/auth/magic-link', { email: 'b@example.com' }, [['Accept-Language', '*"<x>']]);
    expect(stand.mailTo('b@example.com').locale).toBeNull();
  });

  it('mails a new code on request', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const first = stand.linkCode(email);
    stand.clock.advanceSeconds(61);
    await post(stand.client(), 'email/send-verification', { email });
    expect(outcome(await post(browser, 'email/verify', { code: first }))).toEqual([400, 'INVALID_CODE']);
    expect((await post(browser, 'email/verify', { code: stand.linkCode(email) })).status).toBe(200);
  });

  it('ends codes after a day, and typed ones after ten minutes', async () => {
    const browser = stand.client();
    await post(browser, 'sign-up', { email, password });
    const { code } = stand.mailTo(email);
    stand.clock.advanceSeconds(601);
    expect(outcome(await post(browser, 'email/verify', { email, code }))).toEqual([400, 'INVALID_CODE']);
    stand.clock.advanceSeconds(86_400 - 602);
    expect((await post(browser, 'email/verify', { code: stand.linkCode(email) })).status).toBe(200);
    await post(stand.client(), 'sign-up', { email: 'b@example.com', password });
    stand.clock.advanceSeconds(86_401);
    const late = await post(stand.client(), 'email/verify', { code: stand.linkCode('b@example.com'), password });
    expect(outcome(late)).toEqual([400, 'INVALID_CODE']);
  });
});
