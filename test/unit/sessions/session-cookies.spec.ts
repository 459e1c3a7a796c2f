import { describe, expect, it } from 'vitest';
import { AuthSettings } from '../../../src/auth-settings.js';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import {
  checkAccessCookie,
  clearingLines,
  cookieLines,
  type CookieTerms,
  ownCookieLines,
  ownCookieNames,
  readCookieTerms,
  readOwnCookie,
} from '../../../src/sessions/session-cookies.js';
import { createRequestView } from '../../../src/request/request-view.js';
import { ManualClock } from '../../support/manual-clock.js';

const read = (options: unknown, publicUrl = 'https://api.example.com', trusted: string[] = []): CookieTerms =>
  readCookieTerms('cookies', options, new AuthSettings(publicUrl, trusted, new ManualClock()), publicUrl);

describe('the names and attributes of cookies', () => {
  it.each([
    [{}, 'https://api.example.com', '__Host-access', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    [{ name: '' }, 'https://api.example.com', '__Host-access', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    [{ name: 'acme' }, 'https://api.example.com', '__Host-acme-access', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    [{}, 'http://localhost:3000', 'access', 'Path=/; HttpOnly; SameSite=Lax'],
    [{ name: 'acme' }, 'http://127.0.0.1', 'acme-access', 'Path=/; HttpOnly; SameSite=Lax'],
    [{ sameSite: 'strict' }, 'https://api.example.com', '__Host-access', 'Path=/; Secure; HttpOnly; SameSite=Strict'],
    [
      { domain: 'example.com' },
      'https://api.example.com',
      '__Secure-access',
      'Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
    ],
    [
      { domain: '.Example.COM', name: 'a_b-9' },
      'https://example.com',
      '__Secure-a_b-9-access',
      'Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
    ],
  ])('of %j at %s', (options, publicUrl, accessName, attributes) => {
    const terms = read(options, publicUrl);
    expect(terms).toMatchObject({ accessName, refreshName: accessName.replace(/access$/, 'refresh'), attributes });
  });

  it('with sameSite none, where https and trusted pages are configured', () => {
    const options = { sameSite: 'none' };
    expect(read(options, 'https://api.example.com', ['https://shop.example']).attributes).toContain('SameSite=None');
    expect(() => read(options)).toThrow(/trustedOrigins/);
    expect(() => read(options, 'http://localhost:3000', ['https://shop.example'])).toThrow(/requires https/);
  });

  it.each([
    [{ name: 'a b' }, 'cookies({ name })'],
    [{ name: 'ä' }, 'cookies({ name })'],
    [{ name: 'a=b' }, 'cookies({ name })'],
    [{ name: 'a;b' }, 'cookies({ name })'],
    [{ name: 'x'.repeat(65) }, 'cookies({ name })'],
    [{ name: 7 }, 'cookies({ name })'],
    [{ sameSite: 'Lax' }, 'cookies({ sameSite })'],
    [{ sameSite: true }, 'cookies({ sameSite })'],
    [{ domain: 'example.org' }, 'cookies({ domain })'],
    [{ domain: 'pi.example.com' }, 'cookies({ domain })'],
    [{ domain: 'com' }, 'cookies({ domain })'],
    [{ domain: 'example.com; Secure' }, 'cookies({ domain })'],
    [{ domain: 'https://example.com' }, 'cookies({ domain })'],
    [{ secure: false }, 'cookies({ secure })'],
    [[], 'cookies'],
    ['lax', 'cookies'],
  ])('refuses %j', (options, where) => {
    expect(() => read(options)).toThrow(ConfigurationError);
    expect(() => read(options)).toThrow(expect.objectContaining({ message: expect.stringContaining(where) as string }));
  });
});

describe('the lines of cookies', () => {
  const terms = read({});

  it('carry both tokens, and how long the browser keeps them', () => {
    expect(cookieLines(terms, { accessToken: 'a.b.c', refreshToken: 'grt_x', maxAgeSeconds: 7 })).toEqual([
      ['Set-Cookie', '__Host-access=a.b.c; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7'],
      ['Set-Cookie', '__Host-refresh=grt_x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7'],
    ]);
    const [line] = cookieLines(terms, { accessToken: 'a.b.c', refreshToken: 'grt_x', maxAgeSeconds: null });
    expect(line?.[1]).toBe('__Host-access=a.b.c; Path=/; Secure; HttpOnly; SameSite=Lax');
  });

  it('are not written for an access token that browsers would drop: name and value have 4,096 bytes at most', () => {
    const longest = 'x'.repeat(4_096 - '__Host-access'.length);
    expect(() => {
      checkAccessCookie(terms, longest);
    }).not.toThrow();
    expect(cookieLines(terms, { accessToken: longest, refreshToken: 'r', maxAgeSeconds: 1 })).toHaveLength(2);
    const tooLong = /4097 bytes.*roles, scopes and claims.*include.*delivery/;
    expect(() => {
      checkAccessCookie(terms, `${longest}x`);
    }).toThrow(tooLong);
    expect(() => cookieLines(terms, { accessToken: `${longest}x`, refreshToken: 'r', maxAgeSeconds: 1 })).toThrow(
      tooLong,
    );
  });

  it('remove what they have set, by the same attributes', () => {
    const domain = read({ domain: 'example.com', sameSite: 'strict' });
    expect(clearingLines(domain).map(([, line]) => line)).toEqual([
      '__Secure-access=; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
      '__Secure-refresh=; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
    ]);
  });
});

describe("a cookie that is no session's", () => {
  const lineOf = (terms: CookieTerms, sameSite?: 'Lax' | 'None') =>
    ownCookieLines(terms, { name: 'login-1', value: 'v', maxAgeSeconds: 600, ...(sameSite && { sameSite }) })[0]?.[1];

  it('has the attributes of the others, unless pages of other sites have to send it', () => {
    const strict = read({ sameSite: 'strict', domain: 'example.com', name: 'acme' });
    const start = '__Secure-acme-login-1=v; Path=/; Domain=example.com; Secure; HttpOnly';
    expect(lineOf(strict)).toBe(`${start}; SameSite=Strict; Max-Age=600`);
    expect(lineOf(strict, 'Lax')).toBe(`${start}; SameSite=Lax; Max-Age=600`);
    expect(lineOf(strict, 'None')).toBe(`${start}; SameSite=None; Max-Age=600`);
  });

  it('states no SameSite=None without https: browsers would drop it', () => {
    const local = read({}, 'http://localhost:3000');
    expect(lineOf(local, 'Lax')).toBe('login-1=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=600');
    expect(lineOf(local, 'None')).toBe('login-1=v; Path=/; HttpOnly; Max-Age=600');
  });

  it('is found by how its name begins, whatever other cookies there are', () => {
    const viewOf = (...values: string[]) => createRequestView({}, (name) => (name === 'cookie' ? values : []));
    const view = viewOf(
      '__Host-acme-login-b=1; login-x=2; __Host-login-y=3;__Host-acme-login-a=4 ; __Host-acme-access=5; __Host-acme-login-b=6',
      '__Host-acme-login-c; x=__Host-acme-login-d=7; ;=8; __Host-acme-login-e=',
    );
    const terms = read({ name: 'acme' });
    expect(ownCookieNames(terms, view, 'login-')).toEqual(['login-b', 'login-a', 'login-e']);
    expect(ownCookieNames(terms, view, '')).toEqual(['login-b', 'login-a', 'access', 'login-e']);
    expect(ownCookieNames(terms, viewOf(), 'login-')).toEqual([]);
    expect(readOwnCookie(terms, view, 'login-b')).toEqual(['1', '6']);
    expect(ownCookieNames(read({}, 'http://localhost'), view, 'login-')).toEqual(['login-x']);
  });
});
