/** Sign-ins that wait for their second factor: how often one may guess, and what ends them, on both platforms. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccountApp, email, password, startAccountApp } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { Authenticator } from '../support/authenticator.js';
import { beginSignIn, createAccount, enroll, finishSignIn, inBody, outcome } from '../support/second-factor.js';

describe.each(platforms)('a sign-in that waits for its second factor on $name', (platform) => {
  let stand: AccountApp;

  beforeEach(async () => {
    stand = await startAccountApp(platform);
  });

  const begin = () => beginSignIn(stand);
  const finish = (attemptCode: string, code: string) => finishSignIn(stand, attemptCode, code);
  const create = () => createAccount(stand);

  it('begins one session of 50 right uses at once', async () => {
    const { id, client } = await create();
    const { app } = await enroll(stand, client);
    const attemptCode = await begin();
    const answers = await Promise.all(Array.from({ length: 50 }, () => finish(attemptCode, app.code())));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(outcome(answer)).toEqual([400, 'INVALID_CODE']);
    }
    expect((await stand.service.list(id)).items).toHaveLength(2);
    expect(outcome(await finish(attemptCode, app.code(1)))).toEqual([400, 'INVALID_CODE']);
  });

  it('is used once, with whatever code', async () => {
    const { client } = await createAccount(stand);
    const { app, recoveryCodes } = await enroll(stand, client);
    const attemptCode = await begin();
    expect((await finish(attemptCode, app.code())).status).toBe(200);
    for (const code of [app.code(1), recoveryCodes[0] ?? '']) {
      expect(outcome(await finish(attemptCode, code))).toEqual([400, 'INVALID_CODE']);
    }
  });

  it('uses nothing up where the client asks for a delivery that the app does not offer', async () => {
    const { client } = await createAccount(stand);
    const { app } = await enroll(stand, client);
    const json = { attemptCode: await begin(), code: app.code() };
    const refused = await stand.client().post('/auth/sign-in/totp', json, [['X-Token-Delivery', 'pigeon']]);
    expect(outcome(refused)).toEqual([400, 'INVALID_REQUEST']);
    expect((await finish(json.attemptCode, json.code)).status).toBe(200);
  });

  it('ends the attempt after five wrong codes, or five minutes', async () => {
    const { client } = await create();
    const { app } = await enroll(stand, client);
    const attemptCode = await begin();
    const wrong = await Promise.all(Array.from({ length: 5 }, () => finish(attemptCode, app.wrongCode())));
    for (const answer of wrong) expect(outcome(answer)).toEqual([400, 'INVALID_CODE']);
    expect(outcome(await finish(attemptCode, app.code()))).toEqual([400, 'INVALID_CODE']);
    const late = await begin();
    stand.clock.advanceSeconds(300);
    expect(outcome(await finish(late, app.code()))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(await begin(), app.code())).status).toBe(200);
  });

  it('counts wrong codes as failures of the login', async () => {
    const { client } = await create();
    const { app } = await enroll(stand, client);
    for (const attemptCode of [await begin(), await begin()]) {
      for (let count = 0; count < 5; count += 1) await finish(attemptCode, app.wrongCode());
    }
    const refused = await stand.client('body').post('/auth/sign-in', { email, password }, inBody);
    expect(outcome(refused)).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    stand.clock.advanceSeconds(Number(refused.headers['retry-after']));
    expect((await finish(await begin(), app.code())).status).toBe(200);
  });

  it('counts wrong codes of a registration as failures of the login', async () => {
    const { client } = await create();
    const { uri } = (await client.post('/auth/totp/registration')).json as { uri: string };
    const app = new Authenticator(uri, stand.clock);
    const wrong = [];
    for (let count = 0; count < 11; count += 1) {
      wrong.push(outcome(await client.post('/auth/totp', { code: app.wrongCode() })));
    }
    expect(wrong).toEqual([...new Array<unknown>(10).fill([400, 'INVALID_CODE']), [429, 'TOO_MANY_ATTEMPTS']]);
    expect(outcome(await stand.client('body').post('/auth/sign-in', { email, password }, inBody))).toEqual([
      429,
      'TOO_MANY_ATTEMPTS',
    ]);
  });

  it('refuses what is no code of an attempt', async () => {
    const { client } = await create();
    const { app } = await enroll(stand, client);
    for (const attemptCode of ['', 'goc_', 'goc_AAAAAAAAAAAAAAAAAAAAAA', client.refreshToken, '\0']) {
      expect([attemptCode, ...outcome(await finish(attemptCode, app.code()))]).toEqual([
        attemptCode,
        400,
        'INVALID_CODE',
      ]);
    }
    for (const code of ['', '12345', '１２３４５６', '\ud800', 'x'.repeat(10_000)]) {
      expect(outcome(await finish(await begin(), code))).toEqual([400, 'INVALID_CODE']);
    }
  });

  it.each([
    ['a new password', 'INVALID_CODE', (id: string) => stand.accounts.setPassword(id, 'staple of the horse')],
    ['that the account is disabled', 'INVALID_CODE', (id: string) => stand.accounts.disable(id)],
    ['that the account is deleted', 'INVALID_CODE', (id: string) => stand.accounts.delete(id)],
  ])('does not outlive %s', async (_, code, change) => {
    const { id, client } = await create();
    const { app, recoveryCodes } = await enroll(stand, client);
    const attemptCode = await begin();
    await change(id);
    expect(outcome(await finish(attemptCode, app.code()))).toEqual([400, code]);
    expect(outcome(await finish(attemptCode, recoveryCodes[0] ?? ''))).toEqual([400, code]);
    expect((await stand.service.list(id)).items).toEqual([]);
  });

  it('ends an attempt when the user changes the password', async () => {
    const { client } = await create();
    const { app } = await enroll(stand, client);
    const attemptCode = await begin();
    const changed = await client.post('/auth/password/change', { currentPassword: password, password: 'staple of it' });
    expect(changed.status).toBe(204);
    expect(outcome(await finish(attemptCode, app.code()))).toEqual([400, 'INVALID_CODE']);
  });
});
