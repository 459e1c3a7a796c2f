import { describe, expect, it } from 'vitest';
import { findBearerFault, fromBearer, readBearer } from '../../../src/request/token-sources.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';

const token = 'abc.DEF-_~+/.012=';

type Verdict = { readonly token: string } | 'nothing' | 'malformed';

function verdictOf(...values: string[]): Verdict | readonly Verdict[] {
  const found = readBearer(values).map((one) =>
    one.kind === 'token' && findBearerFault(one.token) === undefined ? { token: one.token } : 'malformed',
  );
  return found.length > 1 ? found : (found[0] ?? 'nothing');
}

describe('the value of an Authorization header', () => {
  it.each([
    ['Bearer', `Bearer ${token}`],
    ['bearer', `bearer ${token}`],
    ['BEARER', `BEARER ${token}`],
    ['bEaReR', `bEaReR ${token}`],
    ['several spaces', `Bearer     ${token}`],
    ['a space behind', `Bearer ${token}  `],
    ['a space before', `  Bearer ${token}`],
  ])('is a token: %s', (_, value) => {
    expect(verdictOf(value)).toEqual({ token });
  });

  it.each([
    ['the scheme alone', 'Bearer'],
    ['the scheme alone, in lower case', 'bearer'],
    ['the scheme and a space', 'Bearer '],
    ['the scheme and several spaces', 'Bearer    '],
    ['a tab between', `Bearer\t${token}`],
    ['a space and a tab between', `Bearer \t${token}`],
    ['a no-break space between', `Bearer\u00a0${token}`],
    ['a line break between', `Bearer\n${token}`],
    ['a colon behind the scheme', `Bearer: ${token}`],
    ['an equals sign behind the scheme', `Bearer=${token}`],
    ['a comma behind the scheme', `Bearer,${token}`],
    ['a quote behind the scheme', `Bearer"${token}"`],
    ['two tokens', 'Bearer abc def'],
    ['two tokens and a comma', 'Bearer abc, def'],
    ['two credentials that a proxy has joined', 'Bearer abc, Bearer def'],
    ['the scheme twice', `Bearer Bearer ${token}`],
    ['a token in quotes', `Bearer "${token}"`],
    ['a named token', `Bearer token="${token}"`],
    ['letters behind the padding', 'Bearer abc=def'],
    ['padding alone', 'Bearer =='],
    ['a letter outside ASCII', 'Bearer äbc'],
    ['a letter of two bytes, read as Latin-1', 'Bearer \u00c3\u00a4'],
    ['a full-width letter', 'Bearer \uff21bc'],
    ['a NUL', 'Bearer abc\0'],
    ['a line break within', 'Bearer abc\ndef'],
    ['a percent escape', 'Bearer abc%20'],
    ['angle brackets', 'Bearer <token>'],
  ])('is malformed: %s', (_, value) => {
    expect(verdictOf(value)).toBe('malformed');
  });

  it.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['Basic', 'Basic dXNlcjpwYXNz'],
    ['Basic, then Bearer in one value', 'Basic dXNlcjpwYXNz, Bearer abc'],
    ['Digest', 'Digest username="Bearer abc"'],
    ['DPoP', `DPoP ${token}`],
    ['Negotiate', 'Negotiate'],
    ['a longer scheme that starts with Bearer', `Bearerx ${token}`],
    ['a longer scheme with a dash', `Bearer-x ${token}`],
    ['a longer scheme that ends with Bearer', `xBearer ${token}`],
    ['a scheme in full-width letters', `\uff22earer ${token}`],
    ['a scheme with a small capital R', `Beare\u0280 ${token}`],
    ['the bare token', token],
    ['a comma first', `, Bearer ${token}`],
  ])('is no token: %s', (_, value) => {
    expect(verdictOf(value)).toBe('nothing');
  });

  it('is read separately when several were sent', () => {
    expect(verdictOf('Bearer abc', 'Bearer def')).toEqual([{ token: 'abc' }, { token: 'def' }]);
    expect(verdictOf('Basic abc', 'Bearer def')).toEqual({ token: 'def' });
    expect(verdictOf('Bearer', 'Bearer def')).toEqual(['malformed', { token: 'def' }]);
    expect(readBearer([])).toEqual([]);
  });

  it('is not repeated in the description of its fault', () => {
    expect(findBearerFault('secret secret')).toBe('"Authorization: Bearer" is not followed by exactly one token');
    expect(readBearer(['Bearer\tsecret'])).toEqual([
      { kind: 'malformed', problem: '"Authorization: Bearer" is not followed by exactly one token' },
    ]);
  });

  it('is read in linear time', () => {
    const long = 'a'.repeat(100_000);

    expect(verdictOf(`Bearer ${long}=${long}`)).toBe('malformed');
    expect(verdictOf(`Bearer ${' '.repeat(100_000)}!`)).toBe('malformed');
    expect(verdictOf(`${long} ${long}`)).toBe('nothing');
  });
});

describe('fromBearer', () => {
  it('reads the Authorization header', () => {
    const request = viewHttpRequest({ headers: { authorization: 'Bearer abc' } });

    expect(fromBearer().read(request)).toEqual([{ kind: 'token', token: 'abc' }]);
  });

  it('returns the same frozen source each time', () => {
    expect(fromBearer()).toBe(fromBearer());
    expect(Object.isFrozen(fromBearer())).toBe(true);
    expect(fromBearer().place).toBe('Authorization: Bearer');
  });
});
