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

function errorThrownBy(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
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

  it('are refused where a stranger writes more members than credentials need, in the parameters or in their headers', () => {
    const members = (number: number): object =>
      Object.fromEntries(Array.from({ length: number }, (_, at) => [`name-${at}`, 'x']));
    expect(view({ connectionParameters: { ...members(99), token: 'a' } }).headers('authorization')).toEqual([
      'Bearer a',
    ]);
    const tooMany = { ...members(100), token: 'a' };
    for (const connectionParameters of [tooMany, tooMany, { headers: members(101) }]) {
      const error = errorThrownBy(() => view({ connectionParameters }).headers('authorization'));
      expect(error).toMatchObject({
        code: 'INVALID_REQUEST',
        explanation: 'The connection parameters have more than 100 members',
      });
    }
    // The header of the upgrade request is no parameter.
    expect(view({ connectionParameters: tooMany, upgrade: { headers: { cookie: 'a=b' } } }).headers('cookie')).toEqual([
      'a=b',
    ]);
  });

  it('are refused when they have 32,000 names, be these one name in different cases or different ones', () => {
    const letters = [...'abcdefghijklmno'];
    const inCase = (way: number): string =>
      letters.map((letter, at) => ((way >> at) & 1 ? letter.toUpperCase() : letter)).join('');
    for (const nameOf of [inCase, (at: number) => `name-${at}`]) {
      const names = Object.fromEntries(Array.from({ length: 32_000 }, (_, at) => [nameOf(at), 'x']));
      expect(Object.keys(names)).toHaveLength(32_000);
      for (const connectionParameters of [names, { headers: names }]) {
        const error = errorThrownBy(() => view({ connectionParameters }).headers('authorization'));
        expect(error).toMatchObject({ code: 'INVALID_REQUEST' });
      }
    }
  });

  it('are counted once for an object, however often it is read', () => {
    let counted = 0;
    const connectionParameters = new Proxy(
      Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`n${at}`, 'x'])),
      {
        ownKeys: (target) => {
          counted += 1;
          return Reflect.ownKeys(target);
        },
      },
    );
    for (let time = 0; time < 500; time += 1)
      errorThrownBy(() => view({ connectionParameters }).headers('authorization'));
    expect(counted).toBe(1);
  });

  it('are refused where a credential is longer than any that is verified', () => {
    const connectionParameters = { token: 'a'.repeat(16_401) };
    expect(errorThrownBy(() => view({ connectionParameters }).headers('authorization'))).toMatchObject({
      code: 'INVALID_REQUEST',
    });
    expect(
      view({ connectionParameters: { ...connectionParameters, token: 'a', other: 'a'.repeat(100_000) } }).headers(
        'authorization',
      ),
    ).toEqual(['Bearer a']);
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
