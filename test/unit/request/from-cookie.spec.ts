import { describe, expect, it } from 'vitest';
import { fromCookie } from '../../../src/request/token-sources.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { configurationErrorOf } from '../../support/outcome.js';

function read(cookie: string | string[], name = 'access_token'): readonly unknown[] {
  return fromCookie(name).read(viewHttpRequest({ headers: { cookie } }));
}

describe('fromCookie', () => {
  it.each([
    ['alone', 'access_token=abc', ['abc']],
    ['among others', 'a=1; access_token=abc; b=2', ['abc']],
    ['without spaces', 'a=1;access_token=abc;b=2', ['abc']],
    ['with spaces around', '  access_token=abc  ;', ['abc']],
    ['in quotes', 'access_token="abc"', ['abc']],
    ['with an equals sign in it', 'access_token=abc==', ['abc==']],
    ['with dots and dashes', 'access_token=a-b.c_d.e', ['a-b.c_d.e']],
    ['twice', 'access_token=abc; access_token=def', ['abc', 'def']],
    ['twice the same', 'access_token=abc; access_token=abc', ['abc', 'abc']],
    ['once empty and once not', 'access_token=; access_token=def', ['def']],
    ['empty', 'access_token=', []],
    ['empty in quotes', 'access_token=""', []],
    ['without a value', 'access_token', []],
    ['absent', 'a=1', []],
    ['under a longer name that ends with it', 'xaccess_token=abc', []],
    ['under a longer name that starts with it', 'access_tokenx=abc', []],
    ['with a prefix', '__Host-access_token=abc', []],
    ['in another case', 'Access_Token=abc', []],
    ['as the value of another', 'a=access_token=abc', []],
    ['within a quoted value of another', 'a="x access_token=abc"', []],
    ['as a name alone, in another value', 'a=access_token', []],
  ])('%s', (_, cookie, tokens) => {
    expect(read(cookie)).toEqual(tokens.map((token) => ({ kind: 'token', token })));
  });

  it('reads every Cookie header', () => {
    expect(read(['access_token=abc', 'access_token=def'])).toHaveLength(2);
  });

  it('finds nothing without a Cookie header', () => {
    expect(fromCookie('a').read(viewHttpRequest({ headers: {} }))).toEqual([]);
    expect(
      fromCookie('a').read(viewHttpRequest({ headers: { 'set-cookie': ['a=abc'], authorization: 'a=abc' } })),
    ).toEqual([]);
  });

  it.each(['a.b', 'a+b', 'a*b', '$a', 'a|b'])('compares the name %s as text, not as a pattern', (name) => {
    expect(read(`${name}=abc`, name)).toEqual([{ kind: 'token', token: 'abc' }]);
    expect(read('aXb=abc; aab=abc; a=abc; b=abc', name)).toEqual([]);
  });

  it.each(['', ' ', 'a b', 'a=b', 'a;b', 'a,b', 'ä', '"a"', undefined, null, 1])(
    'refuses the name %j at start',
    (name) => {
      const error = configurationErrorOf(() => fromCookie(name as string));

      expect(error.path).toBe('fromCookie(name)');
      expect(error.message).toBe("fromCookie(name): it is not the name of a cookie. Write one: 'access_token'.");
    },
  );

  it('is frozen and names its place', () => {
    expect(Object.isFrozen(fromCookie('a'))).toBe(true);
    expect(fromCookie('a').place).toBe('cookie a');
  });

  it('states that it is a cookie whose requests are checked, unless the app turns that off', () => {
    expect(fromCookie('a').cookie).toEqual({ checkOrigin: true });
    expect(fromCookie('a', {}).cookie).toEqual({ checkOrigin: true });
    expect(fromCookie('a', { checkOrigin: false }).cookie).toEqual({ checkOrigin: false });
    expect(Object.isFrozen(fromCookie('a').cookie)).toBe(true);
  });

  it.each([
    [{ checkOrigin: 'no' }, 'fromCookie({ checkOrigin })', 'true or false is expected. Left out, it is true'],
    [
      { checkorigin: false },
      'fromCookie({ checkorigin })',
      'there is no option of this name. Did you mean checkOrigin',
    ],
    [null, 'fromCookie', 'an object of options is expected. Known options: checkOrigin'],
  ])('refuses the options %j at start', (options, path, problem) => {
    const error = configurationErrorOf(() => fromCookie('a', options as unknown as { checkOrigin: boolean }));
    expect([error.path, error.message]).toEqual([path, `${path}: ${problem}.`]);
  });
});
