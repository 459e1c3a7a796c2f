import { describe, expect, it } from 'vitest';
import { type SocketConnectionRequest, viewSocketRequest } from '../../../src/request/socket-request-view.js';

const request = {};

function view(opening: Partial<SocketConnectionRequest>) {
  return viewSocketRequest(request, {
    upgrade: undefined,
    connectionParameters: undefined,
    socketOrigins: [],
    ...opening,
  });
}

describe('the headers of a message on a socket', () => {
  it.each([
    ['authorization', { authorization: 'Bearer a' }, ['Bearer a']],
    ['Authorization', { Authorization: 'Bearer a' }, ['Bearer a']],
    ['headers.Authorization', { headers: { Authorization: 'Bearer a' } }, ['Bearer a']],
    ['token', { token: 'a' }, ['Bearer a']],
    ['token with the scheme before it', { token: 'bearer a' }, ['bearer a']],
    ['accessToken', { accessToken: 'a' }, ['Bearer a']],
    ['access_token', { access_token: 'a' }, ['Bearer a']],
    ['two of them', { token: 'a', authorization: 'Bearer b' }, ['Bearer a', 'Bearer b']],
    ['an empty token', { token: '' }, []],
    ['something that is no text', { authorization: ['Bearer a'], token: 7, headers: 'Bearer a' }, []],
    ['another name', { authToken: 'a' }, []],
    ['nothing', undefined, []],
    ['no object', 'Bearer a', []],
    ['null', null, []],
  ])('are what the client said under %s', (_, connectionParameters, values) => {
    expect(view({ connectionParameters }).headers('authorization')).toEqual(values);
  });

  it('are those of custom names as well', () => {
    const { headers } = view({ connectionParameters: { 'X-Stack-Access-Token': 'a', token: 'b' } });
    expect([headers('x-stack-access-token'), headers('token')]).toEqual([['a'], ['b']]);
  });

  it('are what the upgrade request had beside it, so that two that differ are noticed', () => {
    const upgrade = { headers: { authorization: 'Bearer b' } };
    expect(view({ upgrade, connectionParameters: { token: 'a' } }).headers('authorization')).toEqual([
      'Bearer a',
      'Bearer b',
    ]);
  });

  it('belong to the request that they are asked for', () => {
    expect(view({}).request).toBe(request);
  });
});

describe('the cookies of a socket', () => {
  const cookie = 'access_token=a';
  const foreign = { headers: { cookie, host: 'api.example.com', origin: 'https://app.example.com' } };

  it('count where a page of the host itself opened it', () => {
    const own = { headers: { cookie, host: 'api.example.com', origin: 'https://api.example.com' } };
    expect(view({ upgrade: own }).headers('cookie')).toEqual([cookie]);
    expect(view({ upgrade: own }).leftOut?.()).toBeUndefined();
  });

  it('are left out where a page of another origin did, and the log says how to change that', () => {
    const request = view({ upgrade: foreign });
    expect(request.headers('cookie')).toEqual([]);
    expect(request.leftOut?.()).toBe(
      'Cookies came and were left out, as a page of "https://app.example.com" opened it; ' +
        'if it may, name its origin in socketOrigins',
    );
  });

  it('count where that origin is named', () => {
    const request = view({ upgrade: foreign, socketOrigins: ['https://app.example.com'] });
    expect(request.headers('cookie')).toEqual([cookie]);
    expect(request.leftOut?.()).toBeUndefined();
  });

  it('are never what the client said, nor is the origin', () => {
    const connectionParameters = {
      cookie: 'access_token=b',
      origin: 'https://api.example.com',
      host: 'app.example.com',
    };
    expect(view({ upgrade: foreign, connectionParameters }).headers('cookie')).toEqual([]);
    expect(view({ connectionParameters }).headers('cookie')).toEqual([]);
  });

  it('leave the other headers of such a socket alone: no browser sends those by itself', () => {
    const upgrade = { headers: { ...foreign.headers, authorization: 'Bearer a' } };
    expect(view({ upgrade }).headers('authorization')).toEqual(['Bearer a']);
  });
});
