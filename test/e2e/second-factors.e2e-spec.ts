/** The second factor: codes of an authenticator app, and recovery codes, on both platforms. */
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccountApp, email, password, startAccountApp } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { Authenticator } from '../support/authenticator.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  attemptCodeOf,
  beginSignIn,
  createAccount,
  enroll,
  finishSignIn,
  inBody,
  outcome,
} from '../support/second-factor.js';
import { claimsOf, type SessionClient, setCookiesOf } from '../support/session-app.js';

describe.each(platforms)('the second factor on $name', (platform) => {
  let stand: AccountApp;

  beforeEach(async () => {
    stand = await startAccountApp(platform);
  });

  const begin = () => beginSignIn(stand);
  const finish = (attemptCode: string, code: string, client?: SessionClient) =>
    finishSignIn(stand, attemptCode, code, client);
  const create = () => createAccount(stand);

  it('is registered, and asked for from then on, with cookies', async () => {
    const { id } = await stand.accounts.create({ email, password });
    const browser = stand.client();
    await browser.post('/auth/sign-in', { email, password });
    const { registered, app, confirmed } = await enroll(stand, browser);
    const { secret, uri } = registered.json as { secret: string; uri: string };
    expect([registered.status, secret]).toEqual([200, expect.stringMatching(/^[A-Z2-7]{32}$/)]);
    expect(uri).toContain(`otpauth://totp/api.example.com:ada%40example.com?issuer=api.example.com&secret=${secret}&`);
    expect([confirmed.status, confirmed.json]).toEqual([200, { recoveryCodes: expect.any(Array) as unknown }]);
    expect((confirmed.json as { recoveryCodes: unknown[] }).recoveryCodes).toHaveLength(10);
    for (const { headers } of [registered, confirmed]) expect(headers['cache-control']).toBe('no-store');

    const next = stand.client();
    const asked = await next.post('/auth/sign-in', { email, password, remember: false });
    expect([asked.status, asked.headers['www-authenticate'], setCookiesOf(asked)]).toEqual([401, 'Bearer', []]);
    expect(asked.json).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      code: 'MFA_REQUIRED',
      message: 'A second factor is required',
      attemptCode: expect.any(String) as string,
    });
    expect((await stand.service.list(id)).items).toHaveLength(1);
    const answer = await next.post('/auth/sign-in/totp', { attemptCode: attemptCodeOf(asked), code: app.code() });
    expect([answer.status, answer.json]).toEqual([
      200,
      { user: expect.objectContaining({ id, email }) as object, expires_in: 600, is_new_user: false },
    ]);
    const lines = setCookiesOf(answer);
    expect([lines.length, lines.filter((line) => line.includes('Max-Age'))]).toEqual([2, []]);
    expect(claimsOf(next.accessToken)['amr']).toEqual(['pwd', 'otp', 'mfa']);
    expect((await next.call('/me')).status).toBe(200);
    expect((await stand.accounts.find(id))?.lastSignInAt).toEqual(stand.clock.now());
    expect(stand.events.map(({ type }) => type)).toEqual(['account-created', 'signed-in', 'signed-in']);
  });

  it('accepts the code of the step before and the one after, each once, and no other', async () => {
    const { client } = await create();
    const { app } = await enroll(stand, client);
    expect(outcome(await finish(await begin(), app.code(-1)))).toEqual([400, 'INVALID_CODE']);
    expect(outcome(await finish(await begin(), app.code(2)))).toEqual([400, 'INVALID_CODE']);
    stand.clock.advanceSeconds(60);
    expect(outcome(await finish(await begin(), app.code(-2)))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(await begin(), app.code(-1))).status).toBe(200);
    expect(outcome(await finish(await begin(), app.code(-1)))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(await begin(), app.code(1))).status).toBe(200);
    expect(outcome(await finish(await begin(), app.code(1)))).toEqual([400, 'INVALID_CODE']);
    expect(outcome(await finish(await begin(), app.code()))).toEqual([400, 'INVALID_CODE']);
  });

  it('accepts a recovery code in its place, once', async () => {
    const { client } = await create();
    const { recoveryCodes } = await enroll(stand, client);
    const [first = '', second = ''] = recoveryCodes;
    const phoneless = stand.client('body');
    const answer = await finish(await begin(), first.toUpperCase().replaceAll('-', ''), phoneless);
    expect([answer.status, claimsOf(phoneless.accessToken)['amr']]).toEqual([200, ['pwd', 'otp', 'mfa']]);
    expect(outcome(await finish(await begin(), first))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(await begin(), second)).status).toBe(200);
  });

  it('stays in force until another one is confirmed', async () => {
    const { client } = await create();
    const old = await enroll(stand, client);
    const { uri } = (await client.post('/auth/totp/registration')).json as { uri: string };
    const next = new Authenticator(uri, stand.clock);
    expect(outcome(await finish(await begin(), next.code()))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(await begin(), old.app.code())).status).toBe(200);
    expect((await client.post('/auth/totp', { code: next.code() })).status).toBe(200);
    stand.clock.advanceSeconds(30);
    expect(outcome(await finish(await begin(), old.app.code()))).toEqual([400, 'INVALID_CODE']);
    expect(outcome(await finish(await begin(), old.recoveryCodes[0] ?? ''))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(await begin(), next.code())).status).toBe(200);
  });

  it('is removed with its recovery codes', async () => {
    const { client } = await create();
    const { app, recoveryCodes } = await enroll(stand, client);
    const attemptCode = await begin();
    expect((await client.call('/auth/totp', { method: 'DELETE' })).status).toBe(204);
    for (const code of [app.code(), recoveryCodes[0] ?? '']) {
      expect(outcome(await finish(attemptCode, code))).toEqual([400, 'INVALID_CODE']);
    }
    await stand.signIn();
    expect(outcome(await client.call('/auth/totp', { method: 'DELETE' }))).toEqual([404, 'NOT_FOUND']);
  });

  it('is removed by the support of the app', async () => {
    const { id, client } = await create();
    await enroll(stand, client);
    await stand.accounts.removeSecondFactor(id);
    await stand.signIn();
    await stand.accounts.removeSecondFactor(id);
    await expect(stand.accounts.removeSecondFactor('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is changed within five minutes of a sign-in alone', async () => {
    const { client } = await create();
    const routes = [
      ['POST', '/auth/totp/registration', {}],
      ['POST', '/auth/totp', { code: '123456' }],
      ['DELETE', '/auth/totp', undefined],
    ] as const;
    for (const [method, path, json] of routes) {
      const anonymous = await stand.client().call(path, { method, ...(json && { json }) });
      expect([path, ...outcome(anonymous)]).toEqual([path, 401, 'MISSING_TOKEN']);
    }
    stand.clock.advanceSeconds(301);
    await client.refresh();
    for (const [method, path, json] of routes) {
      const late = await client.call(path, { method, ...(json && { json }) });
      expect([path, ...outcome(late)]).toEqual([path, 401, 'STEP_UP_REQUIRED']);
    }
  });

  it('is not for guests, and not changed or given by pages of other sites', async () => {
    const guest = stand.client('body');
    await guest.post('/auth/anonymous', undefined, inBody);
    expect(outcome(await guest.post('/auth/totp/registration'))).toEqual([403, 'ACCESS_DENIED']);
    await stand.accounts.create({ email, password });
    const browser = stand.client();
    await browser.post('/auth/sign-in', { email, password });
    const foreign = [['Origin', 'https://evil.example']] as const;
    for (const path of ['/auth/totp/registration', '/auth/totp', '/auth/sign-in/totp']) {
      expect([path, ...outcome(await browser.post(path, {}, foreign))]).toEqual([path, 403, 'ACCESS_DENIED']);
    }
    expect((await browser.call('/auth/totp', { method: 'DELETE', headers: foreign })).status).toBe(403);
  });

  it.each([
    ['/auth/sign-in/totp', {}, ['attemptCode', 'code']],
    ['/auth/sign-in/totp', { attemptCode: 1, code: 123_456 }, ['attemptCode', 'code']],
    ['/auth/sign-in/totp', { attemptCode: 'x', code: '123456', remember: true }, ['remember']],
    ['/auth/totp', {}, ['code']],
    ['/auth/totp', { code: '123456', name: 'phone' }, ['name']],
    ['/auth/totp/registration', { secret: 'x' }, ['secret']],
  ])('refuses the body of %s that is %j', async (path, json, fields) => {
    const { client } = await create();
    const answer = await client.post(path, json);
    expect(outcome(answer)).toEqual([400, 'INVALID_INPUT']);
    const paths = (answer.json as { fields: { path: string }[] }).fields.map((field) => field.path);
    expect(paths.sort()).toEqual(fields);
  });

  it('is not asked for where the app signs somebody in itself', async () => {
    const { id, client } = await create();
    await enroll(stand, client);
    const { accessToken } = await stand.service.start(id, { amr: ['pop', 'user'] });
    expect((await stand.app.call('/me', { token: accessToken })).status).toBe(200);
  });

  it('is switched on or off by true or false', async () => {
    const totp = 'yes' as unknown as boolean;
    await expect(startAccountApp(platform, { totp })).rejects.toThrow('AccountsModule.forRoot({ totp })');
    expect((await startAccountApp(platform, { totp: true })).accounts).toBeDefined();
  });

  it('is off where the app says so, and still asked for where an account has one', async () => {
    const clock = new ManualClock();
    const stores = [memoryStores({ clock })];
    stand = await startAccountApp(platform, {}, { clock, stores });
    const { client } = await create();
    const { app } = await enroll(stand, client);
    stand = await startAccountApp(platform, { totp: false }, { clock, stores });
    await stand.accounts.create({ email: 'other@example.com', password });
    const other = await stand.signIn({ email: 'other@example.com', password });
    for (const [method, path, json] of [
      ['POST', '/auth/totp/registration', {}],
      ['POST', '/auth/totp', { code: '123456' }],
      ['POST', '/auth/sign-in/totp', { attemptCode: 'x', code: '123456' }],
      ['DELETE', '/auth/totp', undefined],
    ] as const) {
      const answer = await other.call(path, { method, ...(json && { json }) });
      expect([path, ...outcome(answer)]).toEqual([path, 404, 'NOT_FOUND']);
    }
    const asked = await stand.client('body').post('/auth/sign-in', { email, password }, inBody);
    expect(outcome(asked)).toEqual([401, 'MFA_REQUIRED']);
    expect(outcome(await finish(attemptCodeOf(asked), app.wrongCode()))).toEqual([400, 'INVALID_CODE']);
    expect((await finish(attemptCodeOf(asked), app.code())).status).toBe(200);
  });
});
