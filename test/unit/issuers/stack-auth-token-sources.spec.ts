import { describe, expect, it } from 'vitest';
import { stackAuthTokenSources } from '../../../src/issuers/stack-auth/stack-auth-token-sources.js';
import { checkCredential, findCredential } from '../../../src/request/find-credential.js';
import { fromBearer, mergeSources } from '../../../src/request/token-sources.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const jwt = 'aaa.bbb.ccc';
const tokens = (accessToken: unknown): string => JSON.stringify({ accessToken, refreshToken: 'refresh-secret' });
const wrap = (json: string, prefix = 'stackauth'): string => `Bearer ${prefix}_${Buffer.from(json).toString('base64')}`;

type Headers = Readonly<Record<string, string | readonly string[]>>;

function find(headers: Headers): string | undefined {
  const credential = findCredential(viewHttpRequest({ headers }), stackAuthTokenSources);
  if (credential !== undefined) checkCredential(credential);
  return credential?.text;
}

describe('the token of a request to a Stack Auth backend', () => {
  it.each<Headers>([
    { 'x-stack-access-token': jwt },
    { 'x-hexclave-access-token': jwt },
    { 'x-stack-auth': tokens(jwt) },
    { 'x-hexclave-auth': tokens(jwt) },
    { 'x-stack-auth': `  ${JSON.stringify({ accessToken: jwt })} ` },
    { 'x-stack-auth': JSON.stringify({ refreshToken: null, accessToken: jwt, more: [1] }) },
    { authorization: `Bearer ${jwt}` },
    { authorization: wrap(tokens(jwt)) },
    { authorization: wrap(tokens(jwt), 'hexclave') },
    { authorization: wrap(tokens(jwt)).replace('Bearer', 'bearer') },
    { authorization: wrap(tokens(jwt)).replace(/=*$/, '') },
    { authorization: wrap(JSON.stringify({ accessToken: jwt, note: 'ü?>ÿ~' })) },
  ])('is found: %j', (headers) => {
    expect(find(headers)).toBe(jwt);
  });

  it('is one token in all five places at once', () => {
    const headers = {
      'x-stack-access-token': jwt,
      'x-hexclave-access-token': jwt,
      'x-stack-auth': tokens(jwt),
      'x-hexclave-auth': tokens(jwt),
      authorization: wrap(tokens(jwt)),
    };

    expect(find(headers)).toBe(jwt);
  });

  it.each<Headers>([
    {},
    { 'x-stack-access-token': '' },
    { 'x-stack-auth': '' },
    { 'x-stack-auth': '  ' },
    { 'x-stack-auth': tokens(null) },
    { 'x-stack-auth': tokens('') },
    { 'x-stack-auth': JSON.stringify({ accessToken: null, refreshToken: null }) },
    { 'x-hexclave-auth': tokens(null) },
    { authorization: wrap(tokens(null)) },
    { authorization: 'Basic x' },
    { 'x-stack-refresh-token': jwt },
    { cookie: `stack-access=${jwt}` },
    { cookie: `stack-access=${encodeURIComponent(JSON.stringify(['refresh', jwt]))}; hexclave-access=${jwt}` },
    { cookie: `stack-refresh=${jwt}; __Host-stack-refresh-p--default=${jwt}` },
  ])('is not there: %j', (headers) => {
    expect(find(headers)).toBeUndefined();
  });

  it.each<Headers>([
    { 'x-stack-auth': jwt },
    { 'x-stack-auth': '{' },
    { 'x-stack-auth': 'null' },
    { 'x-stack-auth': '[]' },
    { 'x-stack-auth': JSON.stringify(['refresh', jwt]) },
    { 'x-stack-auth': JSON.stringify(jwt) },
    { 'x-stack-auth': '{}' },
    { 'x-stack-auth': '{"refreshToken":"r"}' },
    { 'x-stack-auth': tokens(7) },
    { 'x-stack-auth': tokens({ token: jwt }) },
    { 'x-stack-auth': tokens([jwt]) },
    { 'x-stack-auth': tokens(true) },
    { 'x-stack-auth': `${tokens(jwt)}, ${tokens(jwt)}` },
    { 'x-hexclave-auth': 'undefined' },
    { authorization: 'Bearer stackauth_' },
    { authorization: 'Bearer hexclave_' },
    { authorization: `Bearer stackauth_${jwt}` },
    { authorization: 'Bearer stackauth_!!!' },
    { authorization: wrap('{"accessToken":') },
    { authorization: wrap('{}') },
    { authorization: wrap(jwt) },
    { authorization: `Bearer stackauth_${Buffer.from([0xff, 0xfe, 0x7b]).toString('base64')}` },
    { authorization: 'Bearer' },
    { authorization: `Bearer ${jwt} ${jwt}` },
    { authorization: `${wrap(tokens(jwt))} ${jwt}` },
    { authorization: wrap(tokens(jwt)).replace('eyJ', 'ey J') },
    { authorization: `${wrap(tokens(jwt))}, ${wrap(tokens(jwt))}` },
    { authorization: wrap(`{"accessToken":"other","accessToken":"${jwt}"}`) },
    { 'x-stack-auth': `{"accessToken":"other","accessToken":"${jwt}"}` },
    { 'x-stack-auth': `{"accessToken":null,"\\u0061ccessToken":"${jwt}"}` },
  ])('is malformed, and no part of it is repeated: %j', async (headers) => {
    expect(await outcomeOf(() => find(headers))).toBe('INVALID_REQUEST');
    expect((await errorOf(() => find(headers)))?.explanation).not.toMatch(/aaa|refresh-secret|eyJ/);
  });

  it.each<Headers>([
    { 'x-stack-access-token': jwt, 'x-hexclave-access-token': 'other' },
    { 'x-stack-access-token': jwt, 'x-stack-auth': tokens('other') },
    { 'x-stack-auth': tokens(jwt), 'x-hexclave-auth': tokens('other') },
    { 'x-stack-auth': tokens(jwt), authorization: 'Bearer other' },
    { 'x-stack-access-token': jwt, authorization: wrap(tokens('other')) },
    { 'x-stack-access-token': [jwt, 'other'] },
    { 'x-stack-auth': [tokens(jwt), tokens('other')] },
    { authorization: [`Bearer ${jwt}`, wrap(tokens('other'), 'hexclave')] },
    { 'x-stack-access-token': jwt, 'x-stack-auth': '{' },
  ])('is contradicted by another: %j', async (headers) => {
    expect(await outcomeOf(() => find(headers))).toBe('INVALID_REQUEST');
  });

  it('is no contradiction to a pair that says null', () => {
    expect(find({ 'x-stack-access-token': jwt, 'x-stack-auth': tokens(null) })).toBe(jwt);
  });
});

describe('the carriers', () => {
  it('are named in the log', () => {
    expect(stackAuthTokenSources.map(({ place }) => place)).toEqual([
      'x-stack-access-token',
      'x-hexclave-access-token',
      'x-stack-auth',
      'x-hexclave-auth',
      'Authorization: Bearer',
    ]);
  });

  it('replace a plain bearer source, which would read the wrapped text as a token', () => {
    const merged = mergeSources([fromBearer(), ...stackAuthTokenSources]);
    const request = viewHttpRequest({ headers: { authorization: wrap(tokens(jwt)) } });

    expect(merged).toEqual(stackAuthTokenSources);
    expect(findCredential(request, merged)?.text).toBe(jwt);
  });

  it('are frozen', () => {
    expect([stackAuthTokenSources, ...stackAuthTokenSources].filter((part) => !Object.isFrozen(part))).toEqual([]);
  });
});
