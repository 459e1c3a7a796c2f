import { describe, expect, it } from 'vitest';
import { mapPropelAuthClaims } from '../../../src/issuers/propel-auth/propel-auth-claims.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { assignedRolesOf, type Organization } from '../../../src/user/auth-user.js';

const fjord = {
  org_id: 'f71d2b08',
  org_name: 'Fjord Labs',
  url_safe_org_name: 'fjord-labs',
  org_metadata: { tier: 2 },
  org_role_structure: 'single_role_in_hierarchy',
  user_role: 'Admin',
  inherited_user_roles_plus_current_role: ['Admin', 'Member'],
  user_permissions: ['propelauth::can_invite', 'reports:read'],
  additional_roles: [],
};

const claims = {
  sub: 'a3c0f6d1',
  user_id: 'a3c0f6d1',
  email: 'jonas@lumenworks.example',
  first_name: 'Jonas',
  last_name: 'Okafor',
  username: 'jonas.o',
  org_id_to_org_member_info: { f71d2b08: fjord },
};

const organization: Organization = {
  id: 'f71d2b08',
  name: 'Fjord Labs',
  slug: 'fjord-labs',
  roles: ['Admin', 'Member'],
  permissions: ['propelauth::can_invite', 'reports:read'],
};

function organizationsOf(given: JsonObject): readonly Organization[] {
  return mapPropelAuthClaims(given).organizations;
}

describe('mapPropelAuthClaims', () => {
  it('reads a user and their organizations', () => {
    expect(mapPropelAuthClaims(claims)).toEqual({
      id: 'a3c0f6d1',
      isAnonymous: false,
      email: 'jonas@lumenworks.example',
      emailVerified: null,
      name: 'Jonas Okafor',
      sessionId: null,
      clientId: null,
      impersonatorId: null,
      roles: [],
      scopes: [],
      permissions: [],
      organizations: [organization],
    });
  });

  it('goes by user_id, not by sub', () => {
    expect(mapPropelAuthClaims({ sub: 'other', user_id: 'u1' }).id).toBe('u1');
    expect(mapPropelAuthClaims({ sub: 'other' }).id).toBe('');
  });

  it('tells who acts as the user', () => {
    expect(mapPropelAuthClaims({ ...claims, impersonator_user_id: 'support' }).impersonatorId).toBe('support');
    expect(mapPropelAuthClaims({ ...claims, impersonator_user_id: 7 }).impersonatorId).toBeNull();
  });

  it('holds no role or permission outside of an organization', () => {
    const mapped = mapPropelAuthClaims({ ...claims, roles: ['Owner'], permissions: ['all'], user_role: 'Owner' });

    expect([mapped.roles, mapped.permissions]).toEqual([[], []]);
  });

  it.each<[JsonObject, string | null]>([
    [{ first_name: 'Jonas', last_name: 'Okafor' }, 'Jonas Okafor'],
    [{ first_name: 'Jonas' }, 'Jonas'],
    [{ last_name: 'Okafor', username: 'jonas.o' }, 'Okafor'],
    [{ username: 'jonas.o' }, 'jonas.o'],
    [{ first_name: '', last_name: null, username: 'jonas.o' }, 'jonas.o'],
    [{ first_name: 7 }, null],
    [{}, null],
  ])('%j: the name %j', (given, name) => {
    expect(mapPropelAuthClaims(given).name).toBe(name);
  });
});

describe('the organizations of a PropelAuth user', () => {
  it('are the active one alone where the token is for it', () => {
    const active = { ...fjord, org_id: 'active' };

    expect(organizationsOf({ ...claims, org_member_info: active }).map(({ id }) => id)).toEqual(['active']);
    expect(organizationsOf({ org_member_info: fjord })).toEqual([organization]);
  });

  it.each<[string, JsonObject]>([
    ['neither shape', {}],
    ['an empty map', { org_id_to_org_member_info: {} }],
    ['a list', { org_id_to_org_member_info: [fjord] }],
    ['a text', { org_id_to_org_member_info: 'f71d2b08' }],
    ['members that are no objects', { org_id_to_org_member_info: { a: null, b: 'x', c: [fjord], d: 1 } }],
    ['an active one without an id', { org_member_info: { ...fjord, org_id: undefined } }],
    ['an active one whose id is empty', { org_member_info: { ...fjord, org_id: '' } }],
  ])('are none with %s', (_, given) => {
    expect(organizationsOf(given)).toEqual([]);
  });

  it('take their id from the map where their info has none', () => {
    expect(organizationsOf({ org_id_to_org_member_info: { o1: {} } })).toEqual([
      { id: 'o1', name: null, slug: null, roles: [], permissions: [] },
    ]);
  });

  it('may have ids that mean something to objects', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const members = names.map((name) => `"${name}":{"org_id":"${name}","user_role":"Member"}`).join(',');
    const given = JSON.parse(`{"org_id_to_org_member_info":{${members}}}`) as JsonObject;

    expect(organizationsOf(given)).toEqual(
      names.map((id) => ({ id, name: null, slug: null, roles: ['Member'], permissions: [] })),
    );
    expect(({} as Record<string, unknown>)['user_role']).toBeUndefined();
  });

  it('do not inherit members of a map that says __proto__', () => {
    const given = JSON.parse(
      '{"org_id_to_org_member_info":{"o1":{"__proto__":{"user_role":"Owner","org_id":"o2"}}}}',
    ) as JsonObject;

    expect(organizationsOf(given)).toEqual([{ id: 'o1', name: null, slug: null, roles: [], permissions: [] }]);
  });

  it.each<[string, JsonObject, readonly string[], readonly string[]]>([
    ['hierarchy', fjord, ['Admin', 'Member'], ['Admin']],
    ['hierarchy, by default', { ...fjord, org_role_structure: undefined }, ['Admin', 'Member'], ['Admin']],
    [
      'hierarchy, by a structure that is not known',
      { ...fjord, org_role_structure: 'new' },
      ['Admin', 'Member'],
      ['Admin'],
    ],
    [
      'hierarchy, with additional roles that count for nothing',
      { ...fjord, additional_roles: ['Owner'] },
      ['Admin', 'Member'],
      ['Admin'],
    ],
    [
      'several roles',
      { ...fjord, org_role_structure: 'multi_role', additional_roles: ['Editor', 'Admin'] },
      ['Admin', 'Editor'],
      ['Admin', 'Editor'],
    ],
    [
      'several roles, of which the hierarchy says nothing',
      { ...fjord, org_role_structure: 'multi_role', inherited_user_roles_plus_current_role: ['Owner'] },
      ['Admin'],
      ['Admin'],
    ],
    ['an old token with one role', { org_id: 'o', user_role: 'Member' }, ['Member'], ['Member']],
    ['no role', { org_id: 'o', inherited_user_roles_plus_current_role: [] }, [], []],
    ['wrong types', { org_id: 'o', user_role: ['Owner'], inherited_user_roles_plus_current_role: 'Owner' }, [], []],
    ['wrong types within', { org_id: 'o', inherited_user_roles_plus_current_role: ['a', 1, null, ['b']] }, ['a'], []],
    ['an old token of several roles', { org_id: 'o', org_role_structure: 'multi_role', user_role: 'A' }, ['A'], ['A']],
  ])('have the roles of a %s, and tell the assigned ones', (_, info, roles, assigned) => {
    const [active] = organizationsOf({ org_member_info: info });
    const [listed] = organizationsOf({ org_id_to_org_member_info: { f71d2b08: info } });

    for (const one of [active, listed].filter((member) => member !== undefined)) {
      expect(one.roles).toEqual(roles);
      expect(assignedRolesOf(one)).toEqual(assigned);
      // An exact role is one that the user holds, whatever the token says of the order.
      expect(roles).toEqual(expect.arrayContaining([...assigned]));
    }
    expect([active, listed].filter((member) => member !== undefined).length).toBeGreaterThan(0);
  });
});
