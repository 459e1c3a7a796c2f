import { describe, expect, it } from 'vitest';
import { mapPropelAuthClaims } from '../../../src/issuers/propel-auth-claims.js';
import { mapStackAuthClaims } from '../../../src/issuers/stack-auth-claims.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import type { MappedClaims } from '../../../src/user/claim-map.js';
import { mapStandardClaims } from '../../../src/user/standard-claims.js';

const nobody: MappedClaims = {
  id: '',
  isAnonymous: false,
  email: null,
  emailVerified: null,
  name: null,
  sessionId: null,
  impersonatorId: null,
  roles: [],
  scopes: [],
  permissions: [],
  organizations: [],
};

describe('mapStandardClaims', () => {
  it('reads every claim that it knows', () => {
    const claims = {
      sub: 'alice',
      email: 'alice@example.org',
      email_verified: true,
      name: 'Alice',
      sid: 's1',
      roles: ['admin', 'user'],
      scope: 'read write',
      permissions: ['cats:read'],
    };

    expect(mapStandardClaims(claims)).toEqual({
      ...nobody,
      id: 'alice',
      email: 'alice@example.org',
      emailVerified: true,
      name: 'Alice',
      sessionId: 's1',
      roles: ['admin', 'user'],
      scopes: ['read', 'write'],
      permissions: ['cats:read'],
    });
  });

  it('gives null and [] for what is absent', () => {
    expect(mapStandardClaims({ sub: 'alice' })).toEqual({ ...nobody, id: 'alice' });
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

  it('reads an inherited member as absent when a claim is named __proto__', () => {
    const claims = JSON.parse('{"sub":"alice","__proto__":{"email":"x","roles":["admin"]}}') as JsonObject;

    expect(mapStandardClaims(claims)).toEqual({ ...nobody, id: 'alice' });
  });
});

describe.each([
  ['mapStandardClaims', mapStandardClaims],
  ['mapStackAuthClaims', mapStackAuthClaims],
  ['mapPropelAuthClaims', mapPropelAuthClaims],
])('%s', (_, map) => {
  const names = [
    ...[
      'sub',
      'user_id',
      'email',
      'email_verified',
      'name',
      'first_name',
      'last_name',
      'username',
      'sid',
      'roles',
      'role',
    ],
    ...['scope', 'scp', 'permissions', 'refresh_token_id', 'refreshTokenId', 'is_anonymous', 'is_restricted'],
    ...[
      'restricted_reason',
      'selected_team_id',
      'impersonator_user_id',
      'org_member_info',
      'org_id_to_org_member_info',
    ],
  ];
  const values: readonly unknown[] = [
    null,
    0,
    -1,
    1.5,
    true,
    false,
    '',
    'x',
    [],
    [null, 1, {}, []],
    {},
    { a: null },
    { a: { b: 1 } },
  ];

  it('never throws and keeps its shape, whatever is in the claims', () => {
    const shape = (mapped: MappedClaims): readonly unknown[] => [
      typeof mapped.id,
      typeof mapped.isAnonymous,
      [mapped.email, mapped.name, mapped.sessionId, mapped.impersonatorId].every(
        (text) => text === null || (typeof text === 'string' && text !== ''),
      ),
      mapped.emailVerified === null || typeof mapped.emailVerified === 'boolean',
      [mapped.roles, mapped.scopes, mapped.permissions].every(
        (list) => Array.isArray(list) && list.every((one) => typeof one === 'string'),
      ),
      mapped.organizations.every(
        ({ id, roles, permissions }) => id !== '' && Array.isArray(roles) && Array.isArray(permissions),
      ),
    ];
    const whole = values.map((value) => Object.fromEntries(names.map((name) => [name, value])));
    const single = names.flatMap((name) => values.map((value) => ({ [name]: value })));

    for (const claims of [...whole, ...single]) {
      expect([claims, shape(map(claims))]).toEqual([claims, ['string', 'boolean', true, true, true, true]]);
    }
  });
});
