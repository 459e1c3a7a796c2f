/** The second factor of people who use a code from a mail, on both platforms. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccountApp, email, password, startAccountApp } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import {
  attemptCodeOf,
  beginSignIn,
  createAccount,
  enroll,
  finishSignIn,
  inBody,
  outcome,
} from '../support/second-factor.js';
import { claimsOf } from '../support/session-app.js';

describe.each(platforms)('the second factor after a mail on $name', (platform) => {
  let stand: AccountApp;
  let mails: { readonly to: string; readonly code: string | null }[];

  beforeEach(async () => {
    mails = [];
    stand = await startAccountApp(platform, { mail: (mail) => mails.push(mail) });
  });

  /** The code of the mail that comes, which is sent after the answer. */
  const codeTo = async (address: string): Promise<string> => {
    await expect.poll(() => mails.find(({ to, code }) => to === address && code !== null)).toBeDefined();
    return mails.find(({ to, code }) => to === address && code !== null)?.code ?? '';
  };
  const newPassword = 'staple of the horse';

  it('is asked for after a magic link', async () => {
    const { id, client } = await createAccount(stand);
    const { app } = await enroll(stand, client);
    await stand.client().post('/auth/magic-link', { email });
    const other = stand.client('body');
    const code = await codeTo(email);
    const asked = await other.post('/auth/magic-link/confirm', { email, code, remember: false }, inBody);
    expect(outcome(asked)).toEqual([401, 'MFA_REQUIRED']);
    expect((await stand.service.list(id)).items).toHaveLength(1);
    expect((await finishSignIn(stand, attemptCodeOf(asked), app.code(), other)).status).toBe(200);
    expect(claimsOf(other.accessToken)).toMatchObject({ sub: id, amr: ['otp', 'mfa'] });
  });

  it('is asked for after a new address was verified', async () => {
    const { id, client } = await createAccount(stand);
    const { app } = await enroll(stand, client);
    const address = 'new@example.com';
    expect((await client.post('/auth/email/change', { email: address })).status).toBe(202);
    const asked = await client.post('/auth/email/verify', { email: address, code: await codeTo(address) }, inBody);
    expect(outcome(asked)).toEqual([401, 'MFA_REQUIRED']);
    expect((await stand.accounts.find(id))?.email).toBe(address);
    expect((await finishSignIn(stand, attemptCodeOf(asked), app.code(), client)).status).toBe(200);
    expect(claimsOf(client.accessToken)).toMatchObject({ sub: id, amr: ['otp', 'mfa'] });
  });

  it('outlives a new password, and an attempt from before does not', async () => {
    const { client } = await createAccount(stand);
    const { app } = await enroll(stand, client);
    const attemptCode = await beginSignIn(stand);
    await stand.client().post('/auth/password/forgot', { email });
    const reset = await stand
      .client()
      .post('/auth/password/reset', { email, code: await codeTo(email), password: newPassword });
    expect(reset.status).toBe(204);
    expect(outcome(await finishSignIn(stand, attemptCode, app.code()))).toEqual([400, 'INVALID_CODE']);
    const asked = await stand.client('body').post('/auth/sign-in', { email, password: newPassword }, inBody);
    expect(outcome(asked)).toEqual([401, 'MFA_REQUIRED']);
    expect((await finishSignIn(stand, attemptCodeOf(asked), app.code(1))).status).toBe(200);
  });

  it('of a stranger who signed up with the address ends when its owner comes', async () => {
    const stranger = stand.client('body');
    await stranger.post('/auth/sign-up', { email, password }, inBody);
    await enroll(stand, stranger);
    await stand.client().post('/auth/password/forgot', { email });
    const code = await codeTo(email);
    expect((await stand.client().post('/auth/password/reset', { email, code, password: newPassword })).status).toBe(
      204,
    );
    await stand.signIn({ email, password: newPassword });
  });
});
