import { describe, expect, it } from 'vitest';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { fromBearer, fromHeader } from '../../../src/request/token-sources.js';
import { GivenAccessTokens } from '../../../src/stack-auth/given-access-tokens.js';

const part = (members: object): string => Buffer.from(JSON.stringify(members)).toString('base64url');
/** Of a guest, with a signature that nobody verifies here. */
const tokenOf = (iss: unknown): string =>
  `${part({ alg: 'ES256' })}.${part({ iss, sub: 'u', exp: 1_800_000_000, is_anonymous: true })}.c2ln`;

const read = (baseUrl: string, ...tokens: readonly string[]): readonly (readonly string[] | string | null)[] => {
  const [first = '', second] = tokens;
  const headers = { authorization: `Bearer ${first}`, ...(second !== undefined && { 'x-other': second }) };
  const given = new GivenAccessTokens([fromBearer(), fromHeader('x-other')], { baseUrl, projectId: 'p' });
  const view = viewHttpRequest({ headers });
  return [given.all(view), given.findGuest(view)];
};

describe('the access tokens of a request', () => {
  it.each([
    ['https://api.stack-auth.com', 'https://api.stack-auth.com/api/v1/projects/p'],
    ['https://api.stack-auth.com', 'https://api.hexclave.com/api/v1/projects/p'],
    ['https://api.stack-auth.com', 'https://api.hexclave.com/api/v1/projects-restricted-users/p'],
    ['https://api.stack-auth.com', 'https://api.stack-auth.com/api/v1/projects-anonymous-users/p'],
    ['https://own.example', 'https://own.example/api/v1/projects-anonymous-users/p'],
  ])('are those of the project at %s: %s', (baseUrl, issuer) => {
    const token = tokenOf(issuer);
    expect(read(baseUrl, token)).toEqual([[token], token]);
    expect(read(baseUrl, tokenOf('https://app.example'), token)).toEqual([[token], token]);
  });

  it.each([
    'https://app.example',
    'https://api.stack-auth.com/api/v1/projects/other',
    'https://api.stack-auth.com/api/v1/projects/p/',
    'https://evil.example/api/v1/projects/p',
    '',
    undefined,
    ['https://own.example/api/v1/projects/p'],
  ])('are not those of another issuer, %j', (issuer) => {
    for (const baseUrl of ['https://api.stack-auth.com', 'https://own.example']) {
      expect(read(baseUrl, tokenOf(issuer))).toEqual([[], null]);
    }
  });
});
