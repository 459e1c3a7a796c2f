/** What an app adds to signing up, and the options of mails, on both platforms. */
import { HttpException } from '@nestjs/common';
import { IsIn, IsString } from 'class-validator';
import { beforeEach, describe, expect, it } from 'vitest';

import { email, password } from '../support/account-app.js';
import { platforms } from '../support/app.js';
import { links, type MailApp, post, startMailApp } from '../support/mail-app.js';

class Invitation {
  @IsString()
  readonly code!: string;

  @IsIn(['free', 'team'])
  readonly plan!: string;
}

describe.each(platforms)('further members of a sign-up on $name', (platform) => {
  const seen: unknown[] = [];
  let stand: MailApp;

  beforeEach(async () => {
    seen.length = 0;
    stand = await startMailApp(platform, {
      signUpInput: Invitation,
      beforeSignUp: ({ email: address, name, input, request }) => {
        seen.push([address, name, input, typeof request]);
        if (address?.endsWith('@evil.example')) throw new HttpException({ message: 'Not here' }, 403);
        return input instanceof Invitation ? { customData: { plan: input.plan } } : {};
      },
    });
  });

  it('reach beforeSignUp, whose custom data is stored', async () => {
    const browser = stand.client();
    const json = { email, password, name: 'Ada', code: 'welcome', plan: 'team' };
    expect((await post(browser, 'sign-up', json)).status).toBe(202);
    expect(seen).toEqual([[email, 'Ada', { code: 'welcome', plan: 'team' }, 'object']]);
    // Until the address is verified, the account may be a stranger's.
    expect(await stand.accounts.findByEmail(email)).toMatchObject({ name: null, customData: {} });
    await post(browser, 'email/verify', { code: stand.linkCode(email) });
    expect(await stand.accounts.findByEmail(email)).toMatchObject({ name: 'Ada', customData: { plan: 'team' } });
  });

  it('are refused by name', async () => {
    const answer = await post(stand.client(), 'sign-up', { email, password, code: 1, plan: 'gold', more: true });
    expect(answer.json).toMatchObject({ fields: [{ path: 'more' }] });
    const second = await post(stand.client(), 'sign-up', { email, password, code: 1, plan: 'gold' });
    expect((second.json as { fields: { path: string }[] }).fields.map(({ path }) => path)).toEqual(['code', 'plan']);
    expect(seen).toEqual([]);
  });

  it('may be refused by the app, for taken and free addresses alike, and for magic links', async () => {
    await stand.accounts.create({ email: 'taken@evil.example', emailVerified: true });
    for (const address of ['taken@evil.example', 'free@evil.example']) {
      const json = { email: address, password, code: 'x', plan: 'free' };
      const answer = await post(stand.client(), 'sign-up', json);
      expect([answer.status, answer.json]).toMatchObject([403, { message: 'Not here' }]);
    }
    await post(stand.client(), 'magic-link', { email: 'free@evil.example' });
    const confirmed = await post(stand.client(), 'magic-link/confirm', { code: stand.linkCode('free@evil.example') });
    expect(confirmed.status).toBe(403);
    expect(await stand.accounts.findByEmail('free@evil.example')).toBeNull();
  });
});

describe('the mails of an app in production', () => {
  it('need a sender', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      const start = (options: object) =>
        startMailApp(platforms[0] as (typeof platforms)[number], { mail: undefined, ...options } as object);
      await expect(start({})).rejects.toThrow('AccountsModule.forRoot({ mail }): it is missing, this is production');
      await start({ signUp: false, magicLink: false, password: false });
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  it.each([
    [{ links: { verifyEmail: 'https://app.example.com/verify' } }, 'links'],
    [{ links: { magicLink: 'javascript:alert({code})' } }, 'links'],
    [{ links: { other: links.magicLink } }, 'other'],
    [{ mail: 'smtp://localhost' }, 'mail'],
    [{ signUp: 'later' }, 'signUp'],
    [{ signUpInput: class {} }, 'signUpInput'],
    [{ beforeSignUp: 5 }, 'beforeSignUp'],
  ])('refuses the options %j', async (options, name) => {
    await expect(startMailApp(platforms[0] as (typeof platforms)[number], options as object)).rejects.toThrow(name);
  });
});
