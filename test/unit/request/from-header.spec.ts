import { describe, expect, it } from 'vitest';
import { fromHeader } from '../../../src/request/token-sources.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { configurationErrorOf } from '../../support/outcome.js';

function read(name: string, headers: Record<string, string | string[]>): readonly unknown[] {
  return fromHeader(name).read(viewHttpRequest({ headers }));
}

describe('fromHeader', () => {
  it.each([
    ['x-access-token', { 'x-access-token': 'abc' }, ['abc']],
    ['X-Access-Token', { 'x-access-token': 'abc' }, ['abc']],
    ['x-access-token', { 'x-access-token': '  abc\t' }, ['abc']],
    ['x-access-token', { 'x-access-token': '' }, []],
    ['x-access-token', { 'x-access-token': '   ' }, []],
    ['x-access-token', {}, []],
    ['x-access-token', { 'xx-access-token': 'abc', 'x-access-token2': 'abc', 'access-token': 'abc' }, []],
    ['x-access-token', { authorization: 'Bearer abc', cookie: 'x-access-token=abc' }, []],
    ['x-access-token', { 'x-access-token': ['abc', '', 'def'] }, ['abc', 'def']],
    ['x-access-token', { 'x-access-token': 'Bearer abc' }, ['Bearer abc']],
  ])('%s of %j', (name, headers, tokens) => {
    expect(read(name, headers)).toEqual(tokens.map((token) => ({ kind: 'token', token })));
  });

  it.each(['__proto__', 'constructor', 'tostring', 'hasownproperty'])(
    'finds nothing under %s when it was not sent',
    (name) => {
      expect(read(name, {})).toEqual([]);
    },
  );

  it('is frozen and names its place', () => {
    expect(Object.isFrozen(fromHeader('X-Token'))).toBe(true);
    expect(fromHeader('X-Token').place).toBe('x-token');
  });

  it.each(['', ' ', 'x token', 'x-token:', 'x-token\r\nset-cookie', 'x-töken', '"x"', undefined, null, 1, ['x']])(
    'refuses the name %j at start',
    (name) => {
      const error = configurationErrorOf(() => fromHeader(name as string));

      expect(error.path).toBe('fromHeader(name)');
      expect(error.message).toBe("fromHeader(name): it is not the name of a header. Write one: 'x-access-token'.");
    },
  );

  it.each([
    ['authorization', 'fromBearer()'],
    ['Authorization', 'fromBearer()'],
    ['COOKIE', "fromCookie('access_token')"],
  ])('refuses %s and names the source that reads it', (name, better) => {
    const { message } = configurationErrorOf(() => fromHeader(name));

    expect(message).toBe(`fromHeader(name): ${name.toLowerCase()} contains more than a token. Write ${better}.`);
  });
});
