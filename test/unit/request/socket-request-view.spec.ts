import { describe, expect, it } from 'vitest';
import { type SocketConnectionRequest, viewSocketRequest } from '../../../src/request/socket-request-view.js';

const request = {};

function view(opening: Partial<SocketConnectionRequest>) {
  return viewSocketRequest(request, {
    upgrade: undefined,
    connectionParameters: undefined,
    ...opening,
  });
}

describe('the headers of a message on a socket', () => {
  it.each([
    ['authorization', { authorization: 'Bearer a' }, ['Bearer a']],
    ['Authorization', { Authorization: 'Bearer a' }, ['Bearer a']],
    ['headers.Authorization', { headers: { Authorization: 'Bearer a' } }, ['Bearer a']],
    ['token', { token: 'a' }, ['Bearer a']],
    ['token that starts with the scheme', { token: 'bearer a' }, ['bearer a']],
    ['accessToken', { accessToken: 'a' }, ['Bearer a']],
    ['access_token', { access_token: 'a' }, ['Bearer a']],
    ['two of them', { token: 'a', authorization: 'Bearer b' }, ['Bearer a', 'Bearer b']],
    ['an empty token', { token: '' }, []],
    ['values that are not strings', { authorization: ['Bearer a'], token: 7, headers: 'Bearer a' }, []],
    ['another name', { authToken: 'a' }, []],
    ['nothing', undefined, []],
    ['a string in place of an object', 'Bearer a', []],
    ['null', null, []],
  ])('are read from the connection parameters: %s', (_, connectionParameters, values) => {
    expect(view({ connectionParameters }).headers('authorization')).toEqual(values);
  });

  it('cost one pass, however many names a stranger writes in however many ways', () => {
    // 20,000 ways to write one name, 540 kB: it took seconds where each value copied those before it.
    const ways = Array.from({ length: 20_000 }, (_, way) =>
      [...'abcdefghijklmnopq'].map((letter, at) => ((way >> at) & 1 ? letter.toUpperCase() : letter)).join(''),
    );
    const connectionParameters = Object.fromEntries(ways.map((name) => [name, 'x']));
    const began = performance.now();
    expect(view({ connectionParameters }).headers('authorization')).toEqual([]);
    expect(view({ connectionParameters }).headers('abcdefghijklmnopq')).toHaveLength(20_000);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('may have custom names', () => {
    const { headers } = view({ connectionParameters: { 'X-Stack-Access-Token': 'a', token: 'b' } });
    expect([headers('x-stack-access-token'), headers('token')]).toEqual([['a'], ['b']]);
  });

  it('include those of the upgrade request, so that two different tokens are noticed', () => {
    const upgrade = { headers: { authorization: 'Bearer b' } };
    expect(view({ upgrade, connectionParameters: { token: 'a' } }).headers('authorization')).toEqual([
      'Bearer a',
      'Bearer b',
    ]);
  });

  it('belong to the request of the message', () => {
    expect(view({}).request).toBe(request);
    expect(view({})).toHaveProperty('carrier', request);
  });
});

describe('the cookies of a socket', () => {
  const cookie = 'access_token=a';
  const upgrade = { headers: { cookie, origin: 'https://app.example.com' }, method: 'GET', url: '/socket?v=1' };

  it('are those of the upgrade request', () => {
    expect(view({ upgrade }).headers('cookie')).toEqual([cookie]);
    expect(view({}).headers('cookie')).toEqual([]);
  });

  it('are never read from connection parameters', () => {
    const connectionParameters = { cookie: 'access_token=b', headers: { Cookie: 'access_token=c' } };
    expect(view({ upgrade, connectionParameters }).headers('cookie')).toEqual([cookie]);
    expect(view({ connectionParameters }).headers('cookie')).toEqual([]);
  });
});

describe('the upgrade request of a socket', () => {
  const upgrade = { headers: { origin: 'https://app.example.com' }, method: 'GET', url: '/socket?v=1' };

  it('gives the message its method and its address', () => {
    const { method, url } = view({ upgrade });
    expect([method, url]).toEqual(['GET', '/socket?v=1']);
    expect([view({}).method, view({}).url]).toEqual([null, null]);
  });

  it('keeps its own headers, whatever connection parameters add', () => {
    const connectionParameters = { origin: 'https://api.example.com', 'sec-fetch-site': 'same-origin' };
    const opened = view({ upgrade, connectionParameters }).upgrade;
    expect(opened?.headers('origin')).toEqual(['https://app.example.com']);
    expect(opened?.headers('sec-fetch-site')).toEqual([]);
    expect(opened?.request).toBe(upgrade);
  });
});
