/** Second factors in an app that has not installed `otpauth`, on both platforms. */
import { createHash } from 'node:crypto';
import { register } from 'node:module';
import { AccountStore } from 'nest-gatehouse/sql';
import { memoryStores } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AccountApp, email, password, startAccountApp } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';
import { attemptCodeOf, inBody, outcome } from '../support/second-factor.js';

const install = 'the package otpauth is not installed';
const recoveryCode = 'abcde-fghjk-mnpqr-stvwx-yz012';

beforeAll(() => {
  // What Node throws where the package is not found. Each file of tests has a process of its own.
  const hooks = `export async function resolve(name, context, next) {
    if (!/\\botpauth\\b/.test(name)) return next(name, context);
    throw Object.assign(new Error("Cannot find package 'otpauth'"), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
});

describe.each(platforms)('without otpauth on $name', (platform) => {
  const logger = new LogLines();
  const clock = new ManualClock();
  let stand: AccountApp;

  beforeEach(async () => {
    stand = await startAccountApp(platform, {}, { clock, logger, stores: [memoryStores({ clock })] });
  });

  it('the routes answer 404, and the log names what to install', async () => {
    await stand.accounts.create({ email, password });
    const client = await stand.signIn();
    for (const [method, path, json] of [
      ['POST', '/auth/totp/registration', {}],
      ['POST', '/auth/totp', { code: '123456' }],
      ['POST', '/auth/sign-in/totp', { attemptCode: 'x', code: '123456' }],
      ['DELETE', '/auth/totp', undefined],
    ] as const) {
      logger.forget();
      const answer = await client.call(path, { method, ...(json && { json }) });
      expect([path, ...outcome(answer)]).toEqual([path, 404, 'NOT_FOUND']);
      expect(logger.ours().map(({ text }) => text)).toEqual([expect.stringContaining(`${install}; install it: npm`)]);
      expect(answer.text).not.toContain('otpauth');
    }
  });

  it('an app that asks for second factors does not start', async () => {
    await expect(startAccountApp(platform, { totp: true })).rejects.toThrow(
      `${install}. Install it: npm install otpauth@9`,
    );
  });

  it('an account that has a second factor is asked for it, and gets in by a recovery code alone', async () => {
    const { id } = await stand.accounts.create({ email, password });
    const hash = createHash('sha256').update(recoveryCode.replaceAll('-', '')).digest('base64url');
    const totp = { sealed: 'x', lastStep: 0, recoveryCodes: [hash] };
    await stand.app.nest
      .get(AccountStore)
      .change(id, (found) => ({ ...found, credentials: { ...found.credentials, totp } }));
    const client = stand.client('body');
    const asked = await client.post('/auth/sign-in', { email, password }, inBody);
    expect(outcome(asked)).toEqual([401, 'MFA_REQUIRED']);
    const finish = (code: string) =>
      client.post('/auth/sign-in/totp', { attemptCode: attemptCodeOf(asked), code }, inBody);
    logger.forget();
    expect((await finish('123456')).status).toBe(500);
    expect(logger.ours('error').map(({ text }) => text)).toEqual([expect.stringContaining(install)]);
    expect((await stand.service.list(id)).items).toEqual([]);
    expect((await finish(recoveryCode)).status).toBe(200);
  });
});
