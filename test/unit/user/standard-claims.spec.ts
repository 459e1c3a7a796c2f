import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/token/json-object.js';
import { mapStandardClaims, type MappedClaims } from '../../../src/user/claim-map.js';

const emptyUser: MappedClaims = {
  id: '',
  isAnonymous: false,
  email: null,
  emailVerified: null,
  name: null,
  sessionId: null,
  clientId: null,
  impersonatorId: null,
  roles: [],
  scopes: [],
  permissions: [],
  organizations: [],
};

describe('mapStandardClaims', () => {
  it('reads every known claim', () => {
    const claims = {
      sub: 'alice',
      email: 'alice@example.org',
      email_verified: true,
      name: 'Alice',
      sid: 's1',
      client_id: 'web',
      azp: 'other',
      roles: ['admin', 'user'],
      scope: 'read write',
      permissions: ['cats:read'],
    };

    expect(mapStandardClaims(claims)).toEqual({
      ...emptyUser,
      id: 'alice',
      email: 'alice@example.org',
      emailVerified: true,
      name: 'Alice',
      sessionId: 's1',
      clientId: 'web',
      roles: ['admin', 'user'],
      scopes: ['read', 'write'],
      permissions: ['cats:read'],
    });
  });

  it('reads the client from azp when there is no client_id', () => {
    expect(mapStandardClaims({ sub: 'alice', azp: 'web' }).clientId).toBe('web');
    expect(mapStandardClaims({ sub: 'alice', client_id: '', azp: 7 }).clientId).toBeNull();
  });

  it('returns null and [] for absent claims', () => {
    expect(mapStandardClaims({ sub: 'alice' })).toEqual({ ...emptyUser, id: 'alice' });
  });

  it.each<[JsonObject, readonly string[]]>([
    [{ scope: 'a b' }, ['a', 'b']],
    [{ scope: '  a   b  ' }, ['a', 'b']],
    [{ scope: '' }, []],
    [{ scope: ' ' }, []],
    [{ scope: 'a\tb' }, ['a\tb']],
    [{ scope: ['a', 'b c'] }, ['a', 'b c']],
    [{ scope: ['a', 1, null, {}, 'b'] }, ['a', 'b']],
    [{ scope: { a: true } }, []],
    [{ scope: null, scp: 'a' }, []],
    [{ scp: 'a b' }, ['a', 'b']],
    [{ scp: ['a', 'b'] }, ['a', 'b']],
    [{ scope: 'a', scp: 'b' }, ['a']],
    [{ scopes: 'a' }, []],
  ])('%j: the scopes %j', (claims, scopes) => {
    expect(mapStandardClaims(claims).scopes).toEqual(scopes);
  });

  it.each<[JsonObject, readonly string[]]>([
    [{ roles: ['a', 'b'] }, ['a', 'b']],
    [{ roles: ['a', 1, null, ['b'], { c: 1 }] }, ['a']],
    [{ roles: 'admin' }, []],
    [{ roles: { 0: 'admin', length: 1 } }, []],
    [{ roles: null }, []],
  ])('%j: the roles %j', (claims, roles) => {
    expect(mapStandardClaims(claims).roles).toEqual(roles);
  });

  it.each([
    [true, true],
    [false, false],
    ['true', null],
    [1, null],
    [null, null],
    [undefined, null],
  ])('reads email_verified %j as %j', (email_verified, verified) => {
    expect(mapStandardClaims({ email_verified }).emailVerified).toBe(verified);
  });

  it('ignores an inherited member when a claim is named __proto__', () => {
    const claims = JSON.parse('{"sub":"alice","__proto__":{"email":"x","roles":["admin"]}}') as JsonObject;

    expect(mapStandardClaims(claims)).toEqual({ ...emptyUser, id: 'alice' });
  });
});
