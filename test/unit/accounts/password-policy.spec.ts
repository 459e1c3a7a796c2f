import zxcvbn from '@zxcvbn-ts/language-common';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { PasswordPolicy, readMinLength } from '../../../src/accounts/password-policy.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';

const policy = new PasswordPolicy();
const ruleOf = async (password: string, person = {}): Promise<string | null> =>
  (await policy.findWeakness(password, person))?.rule ?? null;

describe('A password', () => {
  it.each([
    'correct horse battery staple',
    'x7Kq-9zLm',
    'пароль-из-кириллицы',
    '        eight spaces count',
    '😀🎉🚀🌍🍎🎸📚⚽',
    'x'.repeat(1000) + 'yz',
    'passwords are for people',
  ])('that is neither short nor common may be chosen: %s', async (password) => {
    expect(await ruleOf(password)).toBeNull();
    expect(await outcomeOf(policy.check(password))).toBe('accepted');
  });

  it.each([
    ['', 'too-short'],
    ['x7Kq-9z', 'too-short'],
    ['😀🎉🚀🌍🍎🎸📚', 'too-short'],
    ['e\u0301a\u0301o\u0301u\u0301', 'too-short'],
    ['\ufdfa', 'too-short'],
    ['password', 'common'],
    ['PassWord1', 'common'],
    ['ｐａｓｓｗｏｒｄ', 'common'],
    ['iloveyou', 'common'],
    ['passwordpassword', 'common'],
    ['12345678', 'common'],
    ['87654321', 'common'],
    ['1234567890123456', 'common'],
    ['abcdefghijkl', 'common'],
    ['qwertyuiopasdfg', 'common'],
    ['aaaaaaaaaaaaaaaa', 'common'],
    ['x7Kqx7Kqx7Kq', 'common'],
    ['1q2w3e4r5t6y', 'common'],
  ])('%s is refused: %s', async (password, rule) => {
    expect(await ruleOf(password)).toBe(rule);
  });

  it.each(['p\0ssword-of-some-length', 'half-a-pair-\udc00-here', 'x'.repeat(1025), 'x'.repeat(10_000_000)])(
    'that cannot be one is a wrong input',
    async (password) => {
      expect(await errorOf(policy.check(password))).toMatchObject({
        code: 'INVALID_INPUT',
        fields: [{ path: 'password' }],
      });
    },
  );

  it('is refused with the rule in the message, and never with itself', async () => {
    const refusals = await Promise.all(['x7Kq', 'iloveyou'].map((password) => errorOf(policy.check(password))));
    expect(refusals.map((refusal) => [refusal?.code, refusal?.message])).toEqual([
      ['WEAK_PASSWORD', 'The password is too short: it has to have at least 8 characters'],
      ['WEAK_PASSWORD', 'The password is too easy to guess: many people use it, or it follows a simple pattern'],
    ]);
    expect(JSON.stringify(refusals) + String(refusals[1]?.explanation)).not.toContain('iloveyou');
  });
});

describe('The data of the person', () => {
  const person = {
    email: 'Jane.Doe@Example.com',
    username: 'jdoe_77',
    name: 'Jane Mary Doe',
    givenName: 'Jane',
    familyName: 'Doe',
  };

  it.each([
    'jane.doe@example.com',
    'JaneDoe1985',
    'jane.doe2024',
    'janemarydoe',
    'doe jane 1234',
    'jdoe_77!',
    'example.com1',
  ])('are no password: %s', async (password) => {
    expect(await ruleOf(password, person)).toBe('personal');
    const refusal = await errorOf(policy.check(password, person));
    expect(refusal).toMatchObject({ code: 'WEAK_PASSWORD' });
    expect(refusal?.message).toContain('your own name or address');
  });

  it.each(['jane likes 3 apples', 'doe-a-deer-a-female-deer', 'x7Kq-9zLm-doe'])(
    'may be a part of one: %s',
    async (password) => {
      expect(await ruleOf(password, person)).toBeNull();
    },
  );

  it('are compared in any case and width, and short ones not at all', async () => {
    expect(await ruleOf('ＧＲＯＳＳＭＡＮＮ1', { familyName: 'Großmann', name: 'grossmann' })).toBe('personal');
    expect(await ruleOf('lililili-x7Kq', { name: 'Li', givenName: null, email: undefined })).toBeNull();
  });
});

describe('The list of common passwords', () => {
  it('has the 10,000 most common ones of at least eight characters', { timeout: 30_000 }, async () => {
    const common = zxcvbn.dictionary['passwords-common'] as readonly string[];
    const long = common.filter((password) => password.length >= 8);
    expect(long.length).toBeGreaterThan(10_000);

    const rules = await Promise.all(long.map((password) => ruleOf(password)));
    expect(rules.slice(0, 10_000).every((rule) => rule === 'common')).toBe(true);
    expect(rules.slice(10_000).filter((rule) => rule === null).length).toBeGreaterThan(7000);
  });

  it('is what the script writes', { timeout: 30_000 }, () => {
    expect(() => execFileSync(process.execPath, ['scripts/common-passwords.mjs', '--check'])).not.toThrow();
  });
});

describe('minLength', () => {
  it('is 8 unless it is set, and counts', async () => {
    expect(readMinLength('AccountsModule.forRoot({ password: { minLength } })', undefined)).toBe(8);
    const strict = new PasswordPolicy(readMinLength('minLength', 15));
    expect((await strict.findWeakness('x7Kq-9zLm-abcd'))?.message).toContain('at least 15 characters');
    expect(await strict.findWeakness('x7Kq-9zLm-abcde')).toBeNull();
  });

  it.each([7, 65, 8.5, '8', null, Number.NaN])('%s is not accepted', (given) => {
    expect(configurationErrorOf(() => readMinLength('minLength', given)).message).toContain('from 8 to 64');
  });
});
