import { describe, expect, it } from 'vitest';
import { normalizeTarget, targetOf } from '../../../src/dpop/target-uri.js';
import { rightSpellings, wrongSpellings } from '../../vectors/htu-spellings.js';

const base = 'https://api.example.com/v1';
const called = targetOf(base, '/cats/~tom%2Fjerry/caf%C3%A9?page=2');

describe('htu', () => {
  it.each(rightSpellings)('means the same target: %s', (htu) => {
    expect(called).toBe('https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9');
    expect(normalizeTarget(htu)).toBe(called);
  });

  it.each(wrongSpellings.map((htu) => [JSON.stringify(htu), htu]))('means another target, or none: %s', (_, htu) => {
    expect(normalizeTarget(htu)).not.toBe(called);
  });
});

describe('an address in its normal form', () => {
  it.each([
    ['http://localhost:3000/path?debug=true#frag', 'http://localhost:3000/path'],
    ['http://127.0.0.1:4000/test?foo=bar', 'http://127.0.0.1:4000/test'],
    ['http://api.example.com:80/path?x=1#y', 'http://api.example.com/path'],
    ['HTTPS://API.EXAMPLE.COM:8443/A/Path?Q=1#F', 'https://api.example.com:8443/A/Path'],
    ['https://api.example.com', 'https://api.example.com/'],
    ['https://api.example.com?x', 'https://api.example.com/'],
    ['https://api.example.com/a/?x', 'https://api.example.com/a/'],
    ['http://[::1]/path?x=1#y', 'http://[::1]/path'],
    ['http://[2001:DB8::1]:8080/alpha', 'http://[2001:db8::1]:8080/alpha'],
    ['http://[::ffff:192.0.2.128]:3000/x', 'http://[::ffff:c000:280]:3000/x'],
    ['https://xn--bcher-kva.de/path', 'https://xn--bcher-kva.de/path'],
    ['https://example.com./x', 'https://example.com./x'],
    ['https://api.example.com/price/%e2%82%ac', 'https://api.example.com/price/%E2%82%AC'],
    ['https://api.example.com/https://evil.example/steal', 'https://api.example.com/https://evil.example/steal'],
    ['https://api.example.com//double/slash', 'https://api.example.com//double/slash'],
    ['https://bücher.de/weg', undefined],
    ['https://api.example.com:999999/path', undefined],
    ['http://[2001:db8::1/path', undefined],
    ['https://', undefined],
    ['https:///path', undefined],
    ['ht!tp:/broken-url', undefined],
    [':://foo.bar?x=1', undefined],
  ])('%s is %s', (given, normal) => {
    expect(normalizeTarget(given)).toBe(normal);
  });
});

describe('the target of a request', () => {
  it.each([
    ['https://api.example.com', '/', 'https://api.example.com/'],
    ['https://api.example.com/', '/a', 'https://api.example.com/a'],
    ['https://api.example.com', '//evil.example/a', 'https://api.example.com//evil.example/a'],
    ['https://api.example.com', 'http://evil.example/a?b', 'https://api.example.com/a'],
    ['http://127.0.0.1:3000', '/a?b#c', 'http://127.0.0.1:3000/a'],
    ['http://[::1]:3000', '/a', 'http://[::1]:3000/a'],
    ['https://api.example.com', '*', undefined],
    ['https://api.example.com', '@evil.example/a', undefined],
    ['https://api.example.com', '', undefined],
  ])('%s and %s are %s', (origin, url, target) => {
    expect(targetOf(origin, url)).toBe(target);
  });
});
