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
    ['without blanks', 'a=1;access_token=abc;b=2', ['abc']],
    ['with blanks around', '  access_token=abc  ;', ['abc']],
    ['in quotes', 'access_token="abc"', ['abc']],
    ['with an equals sign in it', 'access_token=abc==', ['abc==']],
    ['with points and dashes', 'access_token=a-b.c_d.e', ['a-b.c_d.e']],
    ['twice', 'access_token=abc; access_token=def', ['abc', 'def']],
    ['twice the same', 'access_token=abc; access_token=abc', ['abc', 'abc']],
    ['once empty and once not', 'access_token=; access_token=def', ['def']],
    ['empty', 'access_token=', []],
    ['empty in quotes', 'access_token=""', []],
    ['without a value', 'access_token', []],
    ['not at all', 'a=1', []],
    ['with one letter before the name', 'xaccess_token=abc', []],
    ['with one letter behind the name', 'access_tokenx=abc', []],
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

  it('finds nothing where no cookie came', () => {
    expect(fromCookie('a').read(viewHttpRequest({ headers: {} }))).toEqual([]);
    expect(
      fromCookie('a').read(viewHttpRequest({ headers: { 'set-cookie': ['a=abc'], authorization: 'a=abc' } })),
    ).toEqual([]);
  });

  it.each(['a.b', 'a+b', 'a*b', '$a', 'a|b'])('takes the name %s as it is, not as a pattern', (name) => {
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
});
