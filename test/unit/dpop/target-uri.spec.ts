import { describe, expect, it } from 'vitest';
import { normalizeTarget, targetOf } from '../../../src/dpop/target-uri.js';

const base = 'https://api.example.com/v1';
const called = targetOf(base, '/cats/~tom%2Fjerry/caf%C3%A9?page=2');

const right = [
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9?page=2',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9?page=3&x=/../',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9#top',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9?a#b',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9?',
  'HTTPS://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://API.Example.COM/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com:443/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com:/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com:0443/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/%7Etom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/%7etom%2fjerry/caf%c3%a9',
  'https://api.example.com/v1/c%61ts/~t%6Fm%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/./cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/dogs/../cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/../v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/dogs/%2e%2E/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/%2e/cats/~tom%2Fjerry/caf%C3%A9',
  'https://%61pi.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
];

const wrong = [
  '',
  '/v1/cats/~tom%2Fjerry/caf%C3%A9',
  '//api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'http://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'wss://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com:8443/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com:80/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com.evil.example/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com@evil.example/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://user@api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://user:pass@api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/V1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9/',
  'https://api.example.com/v1//cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom/jerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%252Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%2Fjerry/café',
  'https://api.example.com/v1/cats/~tom%2Fjerry/cafe%CC%81',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9%',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9%zz',
  'https:\\\\api.example.com\\v1\\cats\\~tom%2Fjerry\\caf%C3%A9',
  'https:/api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  ' https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9\n',
  'https://api.exa\tmple.com/v1/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9%00',
  'https://api.example.com/v1/cats/..;/cats/~tom%2Fjerry/caf%C3%A9',
  'https://api.example.com/v1/cats/~tom%2Fjerry%2F..%2Fcaf%C3%A9',
];

describe('htu', () => {
  it.each(right)('means the same target: %s', (htu) => {
    expect(called).toBe('https://api.example.com/v1/cats/~tom%2Fjerry/caf%C3%A9');
    expect(normalizeTarget(htu)).toBe(called);
  });

  it.each(wrong.map((htu) => [JSON.stringify(htu), htu]))('means another target, or none: %s', (_, htu) => {
    expect(normalizeTarget(htu)).not.toBe(called);
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
