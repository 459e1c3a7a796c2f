import { describe, expect, it } from 'vitest';
import { publicAddress, readPublicUrl } from '../../../src/configuration/public-url.js';
import { configurationErrorOf } from '../../support/outcome.js';

describe('publicUrl', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    ['https://api.example.com/v1', 'https://api.example.com/v1'],
    ['https://api.example.com/v1//', 'https://api.example.com/v1'],
    ['HTTPS://API.example.com:443/V1/', 'https://api.example.com/V1'],
    ['https://api.example.com:8443', 'https://api.example.com:8443'],
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s is read as %s', (given, read) => {
    expect(readPublicUrl('here', { publicUrl: given })).toBe(read);
  });

  it('may be left out', () => {
    expect(readPublicUrl('here', {})).toBeNull();
  });

  it.each([
    ['http://api.example.com', 'http is only allowed on this machine'],
    ['api.example.com', 'not an absolute address'],
    ['/v1', 'not an absolute address'],
    ['https://api.example.com?a=1', 'an address without a query is expected'],
    ['https://api.example.com/?', 'an address without a query is expected'],
    ['https://api.example.com#a', 'an address must not contain a fragment'],
    ['https://a:b@api.example.com', 'an address must not contain a user name or password'],
    ['ftp://api.example.com', 'https is expected'],
    [' https://api.example.com', 'an address must not hold blanks or control characters'],
    [new URL('https://api.example.com'), 'a text is expected'],
    ['', 'not an absolute address'],
  ])('%s is refused at start', (given, problem) => {
    const error = configurationErrorOf(() => readPublicUrl('here', { publicUrl: given }));
    expect([error.path, error.explanation]).toEqual(['here({ publicUrl })', `here({ publicUrl }): ${problem}`]);
  });
});

describe('the outside address of a path', () => {
  it.each([
    ['https://api.example.com/v1', 'api', 'auth/refresh', 'https://api.example.com/v1/api/auth/refresh'],
    ['https://api.example.com/v1/', '/api/', '/auth/refresh', 'https://api.example.com/v1/api/auth/refresh'],
    ['https://api.example.com', '', 'auth/refresh', 'https://api.example.com/auth/refresh'],
    ['https://api.example.com', '/', '/auth/refresh', 'https://api.example.com/auth/refresh'],
    ['http://localhost:3000', 'api/v2', '', 'http://localhost:3000/api/v2'],
    ['https://api.example.com', '', '/', 'https://api.example.com'],
  ])('%s, prefix %j, path %j: %s', (publicUrl, globalPrefix, route, address) => {
    expect(publicAddress(publicUrl, globalPrefix, route)).toBe(address);
  });
});
