import { describe, expect, it } from 'vitest';
import { AuthSettings } from '../../../src/auth-settings.js';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import {
  checkAccessCookie,
  clearingLines,
  cookieLines,
  type CookieTerms,
  readCookieTerms,
} from '../../../src/sessions/session-cookies.js';
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
