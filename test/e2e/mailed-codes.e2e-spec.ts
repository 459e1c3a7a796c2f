/** Magic links, forgotten passwords and new addresses, on both platforms. */
import { beforeEach, describe, expect, it } from 'vitest';

import { email, password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { type MailApp, outcome, post, startMailApp } from '../support/mail-app.js';
import { claimsOf } from '../support/session-app.js';

const newPassword = 'another horse battery';

describe.each(platforms)('on $name', (platform) => {
  let stand: MailApp;

  beforeEach(async () => {
    stand = await startMailApp(platform);
  });

  describe('a magic link', () => {
    it('makes an account of an address that has none', async () => {
      const browser = stand.client();
      await post(browser, 'magic-link', { email: 'Ada@example.com' });
      const confirmed = await post(stand.client(), 'magic-link/confirm', { code: stand.linkCode(email) });
      expect(confirmed.json).toMatchObject({
        is_new_user: true,
        user: { email: 'Ada@example.com', emailVerified: true, hasPassword: false },
      });
      expect(stand.events.map(({ type }) => type)).toEqual(['account-created', 'signed-in']);
    });

    it('signs in to an account, in any browser, by the link or the typed code, once', async () => {
      const { id } = await stand.accounts.create({ email, emailVerified: true, password });
      await post(stand.client(), 'magic-link', { email });
      const { code } = stand.mailTo(email);
      const link = stand.linkCode(email);
      const other = stand.client();
      const confirmed = await post(other, 'magic-link/confirm', { email, code, remember: false });
      expect(confirmed.json).toMatchObject({ is_new_user: false, user: { id, hasPassword: true } });
      expect(confirmed.headers['set-cookie']).not.toContain('Max-Age');
      expect(claimsOf(other.accessToken)['amr']).toEqual(['otp']);
      for (const json of [{ code: link }, { email, code }]) {
        expect(outcome(await post(stand.client(), 'magic-link/confirm', json))).toEqual([400, 'INVALID_CODE']);
      }
    });

    it('gives one of 50 uses at once a session and an account', async () => {
      await post(stand.client(), 'magic-link', { email });
      const code = stand.linkCode(email);
      const uses = await Promise.all(
        Array.from({ length: 50 }, () => post(stand.client(), 'magic-link/confirm', { code })),
      );
      expect(uses.filter(({ status }) => status === 200)).toHaveLength(1);
      expect((await stand.accounts.list()).items).toHaveLength(1);
    });

    it('ends after ten minutes, and when another one is asked for', async () => {
      await post(stand.client(), 'magic-link', { email });
      const first = stand.linkCode(email);
      stand.clock.advanceSeconds(61);
      await post(stand.client(), 'magic-link', { email });
      expect(outcome(await post(stand.client(), 'magic-link/confirm', { code: first }))[0]).toBe(400);
      stand.clock.advanceSeconds(601);
      const late = await post(stand.client(), 'magic-link/confirm', { code: stand.linkCode(email) });
      expect(outcome(late)).toEqual([400, 'INVALID_CODE']);
    });

    it('makes a guest a user', async () => {
      const browser = stand.client();
      const { id } = ((await post(browser, 'anonymous')).json as { user: { id: string } }).user;
      await post(browser, 'magic-link', { email });
      const before = browser.fork();
      const confirmed = await post(browser, 'magic-link/confirm', { code: stand.linkCode(email) });
      expect(confirmed.json).toMatchObject({ user: { id, isAnonymous: false, email } });
      expect((await before.refresh()).status).toBe(401);
    });

    it('is not for disabled and deleted accounts', async () => {
      const { id } = await stand.accounts.create({ email, emailVerified: true });
      await post(stand.client(), 'magic-link', { email });
      const code = stand.linkCode(email);
      await stand.accounts.disable(id);
      expect(outcome(await post(stand.client(), 'magic-link/confirm', { code }))).toEqual([400, 'INVALID_CODE']);
      await stand.accounts.enable(id);
      await stand.accounts.delete(id);
      expect(outcome(await post(stand.client(), 'magic-link/confirm', { code }))).toEqual([400, 'INVALID_CODE']);
    });

    it('makes no account where signUp is false, and can be switched off', async () => {
      const closed = await startMailApp(platform, { signUp: false });
      await post(closed.client(), 'magic-link', { email });
      expect(closed.mailTo(email)).toMatchObject({ kind: 'no-account', code: null, link: null, account: null });
      const off = await startMailApp(platform, { magicLink: false });
      expect(outcome(await post(off.client(), 'magic-link', { email }))).toEqual([404, 'NOT_FOUND']);
      expect(outcome(await post(off.client(), 'magic-link/confirm', { code: 'x' }))).toEqual([404, 'NOT_FOUND']);
    });
  });

  describe('a forgotten password', () => {
    beforeEach(async () => {
      await stand.accounts.create({ email, emailVerified: true, password });
    });

    it('is replaced, ends all sessions and codes, signs nobody in, and is told', async () => {
      const browser = await stand.signIn();
      await post(stand.client(), 'magic-link', { email });
      const magicLink = stand.linkCode(email);
      stand.clock.advanceSeconds(61);
      await post(stand.client(), 'password/forgot', { email });
      const answer = await post(stand.client(), 'password/reset', {
        code: stand.linkCode(email),
        password: newPassword,
      });
      expect([answer.status, answer.text, answer.headers['set-cookie']]).toEqual([204, '', undefined]);
      expect((await browser.call('/me')).status).toBe(401);
      expect(outcome(await post(stand.client(), 'magic-link/confirm', { code: magicLink }))[0]).toBe(400);
      expect(outcome(await post(stand.client(), 'sign-in', { email, password }))[0]).toBe(401);
      await stand.signIn({ email, password: newPassword });
      expect(stand.mailTo(email)).toMatchObject({ kind: 'password-changed', code: null, link: null });
    });

    it('is not replaced by a weak one, which leaves the code valid', async () => {
      await post(stand.client(), 'password/forgot', { email });
      const { code } = stand.mailTo(email);
      const weak = await post(stand.client(), 'password/reset', { email, code, password: 'password1' });
      expect(outcome(weak)).toEqual([400, 'WEAK_PASSWORD']);
      const reset = await post(stand.client(), 'password/reset', { email, code, password: newPassword });
      expect(reset.status).toBe(204);
    });

    it('cannot be replaced by a code from before a change of the password', async () => {
      await post(stand.client(), 'password/forgot', { email });
      const code = stand.linkCode(email);
      const browser = await stand.signIn();
      const change = await post(browser, 'password/change', { currentPassword: password, password: newPassword });
      expect(change.status).toBe(204);
      expect(stand.mailTo(email).kind).toBe('password-changed');
      const late = await post(stand.client(), 'password/reset', { code, password: 'third horse battery' });
      expect(outcome(late)).toEqual([400, 'INVALID_CODE']);
    });

    it('is replaced by one of 50 uses at once', async () => {
      await post(stand.client(), 'password/forgot', { email });
      const code = stand.linkCode(email);
      const uses = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          post(stand.client(), 'password/reset', { code, password: `horse battery number ${n}` }),
        ),
      );
      expect(uses.filter(({ status }) => status === 204)).toHaveLength(1);
      expect(new Set(uses.map(({ status }) => status))).toEqual(new Set([204, 400]));
      await stand.signIn({ email, password: `horse battery number ${uses.findIndex(({ status }) => status === 204)}` });
    });

    it('takes no code of another purpose', async () => {
      await post(stand.client(), 'magic-link', { email });
      const { code } = stand.mailTo(email);
      const link = stand.linkCode(email);
      for (const json of [{ code: link }, { email, code }]) {
        const reset = await post(stand.client(), 'password/reset', { ...json, password: newPassword });
        expect(outcome(reset)).toEqual([400, 'INVALID_CODE']);
      }
    });
  });

  describe('another address', () => {
    const other = 'lovelace@example.com';

    beforeEach(async () => {
      await stand.accounts.create({ email, emailVerified: true, password });
    });

    it('is confirmed in the browser that asked for it, and the earlier one is told', async () => {
      const browser = stand.client();
      await post(browser, 'sign-in', { email, password });
      expect((await post(browser, 'email/change', { email: 'Lovelace@example.com' })).status).toBe(202);
      expect((await stand.accounts.findByEmail(email))?.email).toBe(email);
      const confirmed = await post(browser, 'email/verify', { code: stand.linkCode(other) });
      expect(confirmed.json).toMatchObject({
        is_new_user: false,
        user: { email: 'Lovelace@example.com', emailVerified: true },
      });
      expect(stand.mailTo(email).kind).toBe('email-changed');
      await stand.signIn({ email: other, password });
    });

    it('is confirmed elsewhere with the password', async () => {
      const browser = stand.client();
      await post(browser, 'sign-in', { email, password });
      await post(browser, 'email/change', { email: other });
      const code = stand.linkCode(other);
      const elsewhere = stand.client();
      expect(outcome(await post(elsewhere, 'email/verify', { code }))).toEqual([401, 'PASSWORD_REQUIRED']);
      expect((await post(elsewhere, 'email/verify', { code, password })).status).toBe(200);
    });

    it('is not confirmed elsewhere without one, so that nobody is brought into the account of another', async () => {
      await stand.accounts.create({ email: 'mallory@example.com', emailVerified: true });
      const mallory = stand.client();
      await post(mallory, 'magic-link', { email: 'mallory@example.com' });
      await post(mallory, 'magic-link/confirm', { code: stand.linkCode('mallory@example.com') });
      await post(mallory, 'email/change', { email: other });
      const owner = stand.client();
      expect(outcome(await post(owner, 'email/verify', { code: stand.linkCode(other) }))).toEqual([
        401,
        'MISSING_TOKEN',
      ]);
      expect(await stand.accounts.findByEmail(other)).toBeNull();
    });

    it('that has an account is answered alike, and told there', async () => {
      await stand.accounts.create({ email: other, emailVerified: true });
      const browser = stand.client();
      await post(browser, 'sign-in', { email, password });
      const answer = await post(browser, 'email/change', { email: other });
      expect([answer.status, answer.json]).toEqual([202, {}]);
      expect(stand.mailTo(other)).toMatchObject({ kind: 'account-exists', code: null, link: null });
    });

    it('is taken from an account that never verified it', async () => {
      await post(stand.client(), 'sign-up', { email: other, password: 'strangers horse battery' });
      stand.clock.advanceSeconds(61);
      const browser = stand.client();
      await post(browser, 'sign-in', { email, password });
      await post(browser, 'email/change', { email: other });
      expect((await post(browser, 'email/verify', { code: stand.linkCode(other) })).status).toBe(200);
      expect((await stand.accounts.list()).items).toHaveLength(1);
    });

    it('needs a sign-in of the last five minutes', async () => {
      const browser = stand.client();
      await post(browser, 'sign-in', { email, password });
      stand.clock.advanceSeconds(301);
      expect(outcome(await post(browser, 'email/change', { email: other }))).toEqual([401, 'STEP_UP_REQUIRED']);
      expect(outcome(await post(stand.client(), 'email/change', { email: other }))).toEqual([401, 'MISSING_TOKEN']);
    });
  });

  describe('an address that is compared as that of an account, and is another mailbox', () => {
    // With a Kelvin sign.
    const lookalike = '\u212Aim@example.com';
    const kim = 'kim@example.com';

    it("gets none of the account's mails", async () => {
      await stand.accounts.create({ email: kim, emailVerified: true, password });
      for (const path of ['password/forgot', 'magic-link', 'email/send-verification', 'sign-up']) {
        await post(stand.client(), path, { email: lookalike });
        stand.clock.advanceSeconds(601);
      }
      expect(stand.mailbox.all.map(({ kind, to }) => [kind, to])).toEqual([
        ['reset-password', kim],
        ['magic-link', kim],
        ['account-exists', kim],
        ['account-exists', kim],
      ]);
    });

    it('proves nothing about an account that was made after its code was mailed', async () => {
      await post(stand.client(), 'magic-link', { email: lookalike });
      const code = stand.mailbox.all[0]?.link?.split('=')[1];
      await stand.accounts.create({ email: kim, emailVerified: true });
      expect(outcome(await post(stand.client(), 'magic-link/confirm', { code }))).toEqual([400, 'INVALID_CODE']);
    });
  });

  it('counts wrong typed codes as failures of the login', async () => {
    await stand.accounts.create({ email, emailVerified: true, password });
    for (let round = 0; round < 2; round += 1) {
      await post(stand.client(), 'magic-link', { email });
      const wrong = stand.mailTo(email).code === '000000' ? '000001' : '000000';
      for (let n = 0; n < 5; n += 1) await post(stand.client(), 'magic-link/confirm', { email, code: wrong });
      stand.clock.advanceSeconds(61);
    }
    expect(outcome(await post(stand.client(), 'sign-in', { email, password }))).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    await post(stand.client(), 'magic-link', { email });
    expect((await post(stand.client(), 'magic-link/confirm', { code: stand.linkCode(email) })).status).toBe(200);
  });

  it('mails five an hour to an address, and thirty from a network', async () => {
    for (let n = 0; n < 7; n += 1) {
      await post(stand.client(), 'magic-link', { email });
      stand.clock.advanceSeconds(61);
    }
    expect(stand.mailbox.all).toHaveLength(5);
    for (let n = 0; n < 40; n += 1) await post(stand.client(), 'magic-link', { email: `user${n}@example.com` });
    expect(stand.mailbox.all).toHaveLength(30);
  });
});
