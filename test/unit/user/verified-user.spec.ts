import { inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { deepFreeze } from '../../../src/token/json-object.js';
import type { VerifiedToken } from '../../../src/token/verified-token.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { mapStandardClaims } from '../../../src/user/claim-map.js';
import { createAuthUser, toAuthUser, tokenOf } from '../../../src/user/verified-user.js';

const text = 'the-header.the-claims.the-signature';
const claims = {
  sub: 'alice',
  exp: 1_900_000_000,
  email: 'alice@example.org',
  roles: ['admin'],
  scope: 'read',
  permissions: ['p'],
  deep: { list: [{ end: [] }] },
};

function user(): AuthUser {
  const token: VerifiedToken = deepFreeze({
    issuer: 'https://issuer.example',
    header: { alg: 'ES256' },
    claims,
    get expiresAt(): Date {
      return new Date(1_900_000_000_000);
    },
  });
  return toAuthUser(text, token, { provider: 'oidc', map: mapStandardClaims });
}

describe('a user', () => {
  it('has all properties of the contract, and no others', () => {
    expect({ ...user() }).toEqual({
      id: 'alice',
      issuer: 'https://issuer.example',
      provider: 'oidc',
      isAnonymous: false,
      email: 'alice@example.org',
      emailVerified: null,
      name: null,
      sessionId: null,
      clientId: null,
      impersonatorId: null,
      roles: ['admin'],
      scopes: ['read'],
      permissions: ['p'],
      organizations: [],
      claims,
      expiresAt: new Date(1_900_000_000_000),
      credential: { kind: 'access-token', id: null, scheme: 'Bearer' },
    });
  });

  it('is deeply frozen, including its lists and claims', () => {
    const one = user();
    const parts = (value: unknown): object[] =>
      typeof value === 'object' && value !== null && !(value instanceof Date)
        ? [value, ...Object.values(value).flatMap(parts)]
        : [];

    expect(parts(one).length).toBeGreaterThan(9);
    expect(parts(one).filter((part) => !Object.isFrozen(part))).toEqual([]);
    expect(() => {
      (one as { id: string }).id = 'mallory';
    }).toThrow(TypeError);
    expect(() => (one.roles as string[]).push('root')).toThrow(TypeError);
  });

  it('returns a new date at each read', () => {
    const one = user();
    one.expiresAt?.setTime(0);

    expect(one.expiresAt).toEqual(new Date(1_900_000_000_000));
    expect(() => {
      (one as { expiresAt: Date }).expiresAt = new Date(0);
    }).toThrow(TypeError);
  });
});

describe('the token of a user', () => {
  it('is returned by tokenOf and appears nowhere else', () => {
    const one = user();
    const shown = [
      JSON.stringify(one),
      JSON.stringify({ nested: [one] }),
      inspect(one, { showHidden: true, depth: 10, getters: true }),
      inspect(one, { showHidden: true, depth: 10, customInspect: false, showProxy: true }),
      inspect({ ...one }),
      inspect(structuredClone({ ...one })),
      inspect(Object.assign({}, one)),
      inspect(Object.entries(Object.getOwnPropertyDescriptors(one)), { depth: 10, getters: true }),
      inspect(deserialize(serialize(one)), { depth: 10 }),
      inspect(structuredClone(one), { showHidden: true, depth: 10 }),
      Reflect.ownKeys(one).join(),
      Object.prototype.toString.call(one),
    ];

    expect(tokenOf(one)).toBe(text);
    for (const part of [text, ...text.split('.')]) expect(shown.filter((line) => line.includes(part))).toEqual([]);
  });

  it.each<[string, (one: AuthUser) => unknown]>([
    ['a spread', (one) => ({ ...one })],
    ['a structured clone', (one) => structuredClone(one)],
    ['a copy through JSON', (one) => JSON.parse(JSON.stringify(one)) as unknown],
    ['an object that inherits', (one) => Object.create(one) as unknown],
    ['a proxy', (one) => new Proxy(one, {})],
    ['an empty object', () => ({})],
    ['null', () => null],
    ['nothing', () => undefined],
    ['a text', () => text],
  ])('is not available from %s', (_, copy) => {
    const other = copy(user()) as AuthUser;

    expect(() => tokenOf(other)).toThrow(TypeError);
    expect(() => tokenOf(other)).not.toThrow(/the-(?:header|claims|signature)/);
  });

  it('is different for each user', () => {
    const token = { issuer: 'i', header: { alg: 'ES256' }, claims, expiresAt: new Date(0) };
    const [first, second] = ['a', 'b'].map((one) =>
      toAuthUser(one, token, { provider: 'jwt', map: mapStandardClaims }),
    );

    expect([first, second].map((one) => tokenOf(one as AuthUser))).toEqual(['a', 'b']);
  });
});

describe('a user whom an authentication scheme of the app creates', () => {
  it('has every member that users of tokens have', () => {
    const credential = { kind: 'api-key', id: 'k1', scheme: 'Basic' } as const;
    const created = createAuthUser({ id: 'alice', issuer: 'https://app.example', provider: 'api-key', credential });
    expect(Object.keys(created).sort()).toEqual(Object.keys(user()).sort());
    expect(created.clientId).toBeNull();
  });
});
