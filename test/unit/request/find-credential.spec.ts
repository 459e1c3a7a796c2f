import { describe, expect, it } from 'vitest';
import { checkCredential, findCredential } from '../../../src/request/find-credential.js';
import {
  firstOf,
  fromBearer,
  fromCookie,
  fromHeader,
  mergeSources,
  type TokenSource,
} from '../../../src/request/token-sources.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const sources = [fromBearer(), fromHeader('x-access-token'), fromCookie('access_token')];

type Headers = Readonly<Record<string, string | readonly string[]>>;

function find(headers: Headers, from: readonly TokenSource[] = sources): string | undefined {
  const credential = findCredential(viewHttpRequest({ headers }), from);
  if (credential !== undefined) checkCredential(credential);
  return credential?.text;
}

describe('the credential of a request', () => {
  it.each<[Headers, string | undefined]>([
    [{}, undefined],
    [{ authorization: 'Bearer a' }, 'a'],
    [{ 'x-access-token': 'a' }, 'a'],
    [{ cookie: 'access_token=a' }, 'a'],
    [{ authorization: 'Basic x' }, undefined],
    [{ authorization: 'Basic x', 'x-access-token': 'a' }, 'a'],
    [{ authorization: 'Bearer a', 'x-access-token': 'a', cookie: 'access_token="a"' }, 'a'],
    [{ authorization: ['Bearer a', 'bearer  a'] }, 'a'],
    [{ cookie: 'access_token=a; access_token=a' }, 'a'],
    [{ 'x-access-token': '', cookie: 'access_token=a' }, 'a'],
  ])('%j: %j', (headers, token) => {
    expect(find(headers)).toBe(token);
  });

  it.each<Headers>([
    { authorization: 'Bearer a', 'x-access-token': 'b' },
    { authorization: 'Bearer a', cookie: 'access_token=b' },
    { 'x-access-token': 'a', cookie: 'access_token=b' },
    { authorization: 'Bearer a', 'x-access-token': 'a', cookie: 'access_token=b' },
    { authorization: 'Bearer a', 'x-access-token': 'A' },
    { authorization: ['Bearer a', 'Bearer b'] },
    { cookie: 'access_token=a; access_token=b' },
    { cookie: ['access_token=a', 'access_token=b'] },
    { 'x-access-token': ['a', 'b'] },
    { authorization: 'Bearer' },
    { authorization: 'Bearer a b' },
    { authorization: 'Bearer', 'x-access-token': 'a' },
    { authorization: ['Bearer a', 'Bearer'] },
  ])('%j is contradictory or malformed', async (headers) => {
    expect(await outcomeOf(() => find(headers))).toBe('INVALID_REQUEST');
  });

  it('is read from the given places only', () => {
    const headers = { authorization: 'Bearer a', 'x-access-token': 'b', cookie: 'access_token=c' };

    expect(find(headers, [fromHeader('x-access-token')])).toBe('b');
    expect(find(headers, [fromCookie('access_token')])).toBe('c');
    expect(find(headers, [])).toBeUndefined();
  });

  it('is never read from the address, the query, the parameters or the body', () => {
    const request = {
      headers: {},
      url: '/me?access_token=a&token=a&authorization=Bearer+a',
      originalUrl: '/me?access_token=a',
      query: { access_token: 'a', authorization: 'Bearer a' },
      params: { access_token: 'a' },
      body: { access_token: 'a' },
      cookies: { access_token: 'a' },
    };

    expect(findCredential(viewHttpRequest(request), sources)).toBeUndefined();
  });

  it('is described by its places, without its text, when two contradict each other', async () => {
    const error = await errorOf(() => find({ authorization: 'Bearer secret1', cookie: 'access_token=secret2' }));

    expect(error?.explanation).toBe(
      'The request carries two different tokens, in Authorization: Bearer and in cookie access_token. Send one; where ' +
        'clients send both, state which counts: tokenFrom: firstOf(…)',
    );
    expect(error?.message).toBe('The request carries its credentials in a malformed or contradictory way');
  });
});

describe('the place that counts', () => {
  const placeOf = (headers: Headers, from: readonly TokenSource[]): string | undefined =>
    findCredential(viewHttpRequest({ headers }), from)?.source.place;
  const both = { authorization: 'Bearer a', cookie: 'access_token=a; other=a' };

  it('is the header, when the same token is in a header and in a cookie, whatever the order of the sources', () => {
    const [bearer, cookie] = [fromBearer(), fromCookie('access_token')];
    expect(placeOf(both, [bearer, cookie])).toBe('Authorization: Bearer');
    expect(placeOf(both, [cookie, bearer])).toBe('Authorization: Bearer');
  });

  it('is the first one of two cookies and of two headers', () => {
    expect(placeOf(both, [fromCookie('other'), fromCookie('access_token')])).toBe('cookie other');
    expect(placeOf({ authorization: 'Bearer a', x: 'a' }, [fromHeader('x'), fromBearer()])).toBe('x');
  });
});

describe('mergeSources', () => {
  it('drops duplicates and sources that another one covers', () => {
    const header = fromHeader('x');
    const covering: TokenSource = { place: 'both', covers: [fromBearer()], read: () => [] };

    expect(mergeSources([fromBearer(), header, fromBearer(), header])).toEqual([fromBearer(), header]);
    expect(mergeSources([fromBearer(), header, covering])).toEqual([header, covering]);
    expect(mergeSources([covering, fromBearer()])).toEqual([covering]);
    expect(mergeSources([])).toEqual([]);
  });
});

describe('the first of several places', () => {
  const clerk = [firstOf(fromBearer(), fromCookie('__session'))];

  it.each<[Headers, string | undefined]>([
    [{}, undefined],
    [{ authorization: 'Bearer new', cookie: '__session=old' }, 'new'],
    [{ cookie: '__session=old' }, 'old'],
    [{ authorization: 'Basic x', cookie: '__session=old' }, 'old'],
    [{ authorization: 'Bearer new', cookie: '__session=old; __session=older' }, 'new'],
  ])('%j: %j', (headers, token) => {
    expect(find(headers, clerk)).toBe(token);
  });

  it('is malformed or contradictory in itself', async () => {
    for (const headers of [
      { authorization: 'Bearer', cookie: '__session=a' },
      { authorization: ['Bearer a', 'Bearer b'] },
      { cookie: '__session=a; __session=b' },
    ]) {
      expect(await outcomeOf(() => find(headers, clerk))).toBe('INVALID_REQUEST');
    }
  });

  it('keeps the rules of the place where the token was found', () => {
    const sourceOf = (headers: Headers): TokenSource | undefined =>
      findCredential(viewHttpRequest({ headers }), clerk)?.source;

    expect(sourceOf({ cookie: '__session=a' })?.cookie).toEqual({ checkOrigin: true });
    expect(sourceOf({ authorization: 'Bearer a', cookie: '__session=b' })).toBe(fromBearer());
  });

  it('goes with other places, which must have the same token', async () => {
    const several = [firstOf(fromBearer(), fromCookie('__session')), fromHeader('x-access-token')];

    expect(find({ authorization: 'Bearer a', cookie: '__session=b', 'x-access-token': 'a' }, several)).toBe('a');
    const differing = { authorization: 'Bearer a', 'x-access-token': 'b' };
    expect(await outcomeOf(() => find(differing, several))).toBe('INVALID_REQUEST');
  });

  it('covers its places, and names them in order', () => {
    const cookie = fromCookie('__session');
    const first = firstOf(fromBearer(), cookie);

    expect(mergeSources([fromBearer(), first, cookie])).toEqual([first]);
    expect(first.place).toBe('the first of Authorization: Bearer, cookie __session');
    expect(firstOf(first, fromHeader('x-a')).alternatives).toHaveLength(3);
  });

  it('needs two sources', () => {
    expect(() => firstOf(fromBearer())).toThrow(/at least two token sources/);
    expect(() => firstOf(fromBearer(), 'cookie' as never)).toThrow(/at least two token sources/);
  });
});
