import { describe, expect, it } from 'vitest';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { findForeignPage } from '../../../src/request/request-origin.js';

const trusted = ['https://app.example.com'];

function foreign(headers: Record<string, string>): string | undefined {
  return findForeignPage(viewHttpRequest({ headers }), trusted);
}

describe('a page that opened a socket', () => {
  it.each([
    ['none: what is no browser', { host: 'api.example.com' }],
    ['one of the very host', { host: 'api.example.com', origin: 'https://api.example.com' }],
    ['one of it behind a proxy that takes TLS off', { host: 'api.example.com:443', origin: 'https://api.example.com' }],
    ['one on the very port', { host: '127.0.0.1:3000', origin: 'http://127.0.0.1:3000' }],
    ['one that is named in the options', { host: 'api.example.com', origin: 'https://app.example.com' }],
    ['one that the browser calls of the same origin', { host: 'api.example.com', 'sec-fetch-site': 'same-origin' }],
    ['a person who typed the address', { host: 'api.example.com', 'sec-fetch-site': 'none' }],
  ])('is the app’s own: %s', (_, headers) => {
    expect(foreign(headers)).toBeUndefined();
  });

  it.each([
    ['another site', { host: 'api.example.com', origin: 'https://evil.example' }],
    ['a neighbour', { host: 'api.example.com', origin: 'https://shop.example.com' }],
    ['another port', { host: '127.0.0.1:3000', origin: 'http://127.0.0.1:3001' }],
    ['one that is named, under another scheme', { host: 'api.example.com', origin: 'http://app.example.com' }],
    ['one whose name starts alike', { host: 'api.example.com', origin: 'https://api.example.com.evil.example' }],
    ['a sandboxed frame', { host: 'api.example.com', origin: 'null' }],
    ['a file', { host: '', origin: 'file://' }],
    ['nonsense', { host: 'api.example.com', origin: 'api.example.com' }],
    ['one where no host was called', { origin: 'https://api.example.com' }],
    ['a site that the browser calls another one', { host: 'api.example.com', 'sec-fetch-site': 'cross-site' }],
    ['a neighbour that the browser calls so', { host: 'api.example.com', 'sec-fetch-site': 'same-site' }],
  ])('is foreign: %s', (_, headers) => {
    expect(foreign(headers)).toMatch(/opened it$/);
  });

  it('is named in the log on one line', () => {
    expect(foreign({ host: 'a', origin: 'https://evil.example\nERROR' })).toBe(
      'a page of "https://evil.example\\u000aERROR" opened it',
    );
  });
});
