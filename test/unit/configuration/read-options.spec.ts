import { describe, expect, it } from 'vitest';
import {
  path,
  readChoice,
  readNumber,
  readOptions,
  readSwitch,
  readText,
  requireText,
  requireTexts,
} from '../../../src/configuration/read-options.js';
import { configurationErrorOf } from '../../support/outcome.js';

const known = ['authUrl', 'apiUrl', 'clockToleranceSeconds', 'audience'];

function messageOf(attempt: () => unknown): string {
  const { message, path: where, code } = configurationErrorOf(attempt);
  expect(code).toBe('CONFIGURATION_ERROR');
  expect(message.startsWith(`${where}: `)).toBe(true);
  return message;
}

describe('options', () => {
  it('are returned unchanged when every name is known', () => {
    const given = { authUrl: 1, audience: undefined };

    expect(readOptions('x', given, known)).toBe(given);
    expect(readOptions('x', {}, known)).toEqual({});
  });

  it('may have symbol keys, which are never misspelled names', () => {
    expect(() => readOptions('x', { [Symbol('s')]: true }, known)).not.toThrow();
  });

  it.each([undefined, null, 'text', 7, true, [], [{ audience: 'a' }]])('must be an object, and not %j', (given) => {
    expect(messageOf(() => readOptions('oidc', given, ['a', 'b']))).toBe(
      'oidc: an object of options is expected. Known options: a, b.',
    );
  });

  it.each([
    ['audiense', 'audience'],
    ['Audience', 'audience'],
    ['audiences', 'audience'],
    ['clock_tolerance_seconds', 'clockToleranceSeconds'],
    ['clockToleranceSecond', 'clockToleranceSeconds'],
    ['apiURL', 'apiUrl'],
    ['aptUrl', 'apiUrl'],
    ['autUrl', 'authUrl'],
  ])('with an unknown name get the nearest known name as a fix: %s', (name, meant) => {
    expect(messageOf(() => readOptions('x', { [name]: 1 }, known))).toBe(
      `x({ ${name} }): there is no option of this name. Did you mean ${meant}.`,
    );
  });

  it.each(['secret', 'aud', 'toString', '__proto__x', ''])(
    'with a name that resembles none get all known names as a fix: %j',
    (name) => {
      expect(messageOf(() => readOptions('x', { [name]: 1 }, known))).toBe(
        `x({ ${name} }): there is no option of this name. Known options: ${known.join(', ')}.`,
      );
    },
  );

  it('with an unknown name are refused also when the value is undefined', () => {
    expect(messageOf(() => readOptions('x', { audiense: undefined }, known))).toContain('Did you mean audience');
  });

  it('are named in messages as they are written in code', () => {
    expect(path('oidc', 'audience')).toBe('oidc({ audience })');
  });
});

describe('a text', () => {
  it('is returned unchanged, and may be omitted', () => {
    expect(readText('x', { a: ' b ' }, 'a')).toBe(' b ');
    expect(readText('x', {}, 'a')).toBeUndefined();
    expect(requireText('x', { a: 'b' }, 'a', '')).toBe('b');
  });

  it.each(['', ' ', '\n', null, 7, ['a'], {}])('must be a non-empty text, and not %j', (value) => {
    const message = 'x({ a }): a text that is not empty is expected. Write a string.';

    expect(messageOf(() => readText('x', { a: value }, 'a'))).toBe(message);
    expect(messageOf(() => requireText('x', { a: value }, 'a', 'fix'))).toBe(message);
  });

  it('is reported as missing where it is required', () => {
    expect(messageOf(() => requireText('x', {}, 'a', 'Find it there'))).toBe('x({ a }): it is missing. Find it there.');
  });
});

describe('a list of texts', () => {
  it('may be one text, and has no duplicates', () => {
    expect(requireTexts('x', { a: 'b' }, 'a', '')).toEqual(['b']);
    expect(requireTexts('x', { a: ['b', 'c', 'b'] }, 'a', '')).toEqual(['b', 'c']);
  });

  it('is a frozen copy', () => {
    const given = ['b'];
    const read = requireTexts('x', { a: given }, 'a', '');
    given.push('c');

    expect(read).toEqual(['b']);
    expect(Object.isFrozen(read)).toBe(true);
  });

  it.each(['', [], [''], ['a', ' '], ['a', 7], [['a']], null, 7, {}, new Set(['a'])])('must not be %j', (value) => {
    expect(messageOf(() => requireTexts('x', { a: value }, 'a', 'Fix'))).toBe(
      'x({ a }): a text or a list of texts is expected. Fix.',
    );
  });

  it('is reported as missing', () => {
    expect(messageOf(() => requireTexts('x', {}, 'a', 'Fix'))).toBe('x({ a }): it is missing. Fix.');
  });
});

describe('a switch', () => {
  it('has the given value, or its default when it is omitted', () => {
    expect([true, false, undefined].map((a) => readSwitch('x', { a }, 'a', true))).toEqual([true, false, true]);
    expect([true, false, undefined].map((a) => readSwitch('x', { a }, 'a', false))).toEqual([true, false, false]);
  });

  it.each(['true', 'false', 0, 1, null, {}])('must be true or false, and not %j', (value) => {
    expect(messageOf(() => readSwitch('x', { a: value }, 'a', false))).toBe(
      'x({ a }): true or false is expected. Left out, it is false.',
    );
  });
});

describe('a number', () => {
  const limits = { least: 1, most: 10 };

  it.each([1, 1.5, 10])('may be %d, between its limits', (value) => {
    expect(readNumber('x', { a: value }, 'a', limits)).toBe(value);
  });

  it('may be omitted', () => {
    expect(readNumber('x', {}, 'a', limits)).toBeUndefined();
  });

  it.each([0.999, 10.001, -1, Number.NaN, Infinity, -Infinity, '5', null, 5n, [5]])('must not be %s', (value) => {
    expect(messageOf(() => readNumber('x', { a: value }, 'a', limits))).toBe(
      'x({ a }): a number from 1 to 10 is expected. Write such a number, or leave the option out.',
    );
  });

  it('may be required to be a whole number', () => {
    expect(readNumber('x', { a: 2 }, 'a', { ...limits, whole: true })).toBe(2);
    expect(messageOf(() => readNumber('x', { a: 2.5 }, 'a', { ...limits, whole: true }))).toBe(
      'x({ a }): a whole number from 1 to 10 is expected. Write such a number, or leave the option out.',
    );
  });
});

describe('a choice', () => {
  const choices = ['reject', 'anonymous'] as const;

  it('has one of the allowed values, or its default when it is omitted', () => {
    expect(readChoice('x', { a: 'anonymous' }, 'a', choices, 'reject')).toBe('anonymous');
    expect(readChoice('x', {}, 'a', choices, 'reject')).toBe('reject');
  });

  it.each(['Reject', '', 'none', null, true, ['reject']])('must not be %j', (value) => {
    expect(messageOf(() => readChoice('x', { a: value }, 'a', choices, 'reject'))).toBe(
      "x({ a }): one of 'reject', 'anonymous' is expected. Left out, it is 'reject'.",
    );
  });
});
