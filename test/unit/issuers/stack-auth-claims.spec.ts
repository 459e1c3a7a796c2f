import { describe, expect, it } from 'vitest';
import {
  findFaultOfKind,
  mapStackAuthClaims,
  type UserKind,
} from '../../../src/issuers/stack-auth/stack-auth-claims.js';
import type { JsonObject } from '../../../src/token/json-object.js';

const projectId = 'c640df62-42eb-4693-89b3-44e61b852ecd';
const today: JsonObject = { project_id: projectId, branch_id: 'main', role: 'authenticated' };
const normal = { ...today, is_anonymous: false, is_restricted: false, restricted_reason: null };
const unverified = { type: 'email_not_verified' };
const restricted = { ...today, is_anonymous: false, is_restricted: true, restricted_reason: unverified };
const anonymous = { ...today, is_anonymous: true, is_restricted: true, restricted_reason: { type: 'anonymous' } };

const kinds: readonly UserKind[] = ['normal', 'restricted', 'anonymous'];

/** The kinds of issuer whose token with these claims passes. */
function fitting(claims: JsonObject): readonly UserKind[] {
  return kinds.filter((kind) => findFaultOfKind(kind, projectId, claims) === undefined);
}

describe('the flags of a user', () => {
  it.each<[string, JsonObject, readonly UserKind[]]>([
    ['a normal one', normal, ['normal']],
    ['one with an unverified e-mail', restricted, ['restricted']],
    [
      'one whom an administrator has restricted',
      { ...restricted, restricted_reason: { type: 'restricted_by_administrator' } },
      ['restricted'],
    ],
    ['one with a reason that is not known yet', { ...restricted, restricted_reason: { type: 'new' } }, ['restricted']],
    ['an anonymous one', anonymous, ['anonymous']],
    ['2.8.37: a normal one', { branchId: 'main', role: 'authenticated' }, ['normal']],
    ['2.8.37: an anonymous one', { branchId: 'main', role: 'anon' }, ['anonymous']],
    ['autumn 2025: a normal one', { ...today, is_anonymous: false }, ['normal']],
    ['autumn 2025: an anonymous one', { ...today, is_anonymous: true }, ['anonymous']],
    ['none at all', {}, ['normal']],
  ])('go with one kind of issuer: %s', (_, claims, expected) => {
    expect(fitting(claims)).toEqual(expected);
  });

  it.each<[string, JsonObject]>([
    ['anonymous, and not restricted', { ...anonymous, is_restricted: false }],
    ['anonymous for another reason', { ...anonymous, restricted_reason: unverified }],
    ['restricted, for being anonymous', { ...restricted, restricted_reason: { type: 'anonymous' } }],
    ['not restricted, with a reason', { ...normal, restricted_reason: unverified }],
    ['not anonymous, with the role anon', { ...normal, role: 'anon' }],
    ['is_anonymous as text', { ...normal, is_anonymous: 'true' }],
    ['is_anonymous as a number', { ...normal, is_anonymous: 1 }],
    ['is_anonymous null', { ...normal, is_anonymous: null }],
    ['is_restricted as text', { ...normal, is_restricted: 'true' }],
    ['is_restricted as a number', { ...normal, is_restricted: 1 }],
    ['is_restricted null', { ...normal, is_restricted: null }],
    ['another project', { ...normal, project_id: 'other' }],
    ['project null', { ...normal, project_id: null }],
    ['project in a list', { ...normal, project_id: [projectId] }],
    ['another branch', { ...normal, branch_id: 'dev' }],
    ['branch null', { ...normal, branch_id: null }],
    ['2.8.37: another branch', { branchId: 'dev', role: 'authenticated' }],
    ['both names of the branch, one of them another', { ...normal, branchId: 'dev' }],
  ])('go with none: %s', (_, claims) => {
    expect(fitting(claims)).toEqual([]);
  });

  it('are explained without repeating them', () => {
    expect(findFaultOfKind('normal', projectId, anonymous)).toBe(
      'Its flags contradict its issuer, which is the one of normal users',
    );
    expect(findFaultOfKind('normal', projectId, { ...normal, project_id: 'secret' })).toBe(
      'Its "project_id" is another project than the one of its issuer',
    );
    expect(findFaultOfKind('normal', projectId, { ...normal, branch_id: 'secret' })).toBe(
      'Its "branch_id" is not "main"',
    );
  });
});

describe('mapStackAuthClaims', () => {
  it.each<[JsonObject, boolean]>([
    [{ is_anonymous: true, role: 'authenticated' }, true],
    [{ is_anonymous: false, role: 'authenticated' }, false],
    [{ role: 'anon' }, true],
    [{ role: 'authenticated' }, false],
    [{}, false],
    [{ is_anonymous: 'true' }, false],
  ])('%j: anonymous is %j', (claims, expected) => {
    expect(mapStackAuthClaims(claims).isAnonymous).toBe(expected);
  });

  it.each<[JsonObject, string | null]>([
    [{ refresh_token_id: 's1' }, 's1'],
    [{ refreshTokenId: 's2' }, 's2'],
    [{ refresh_token_id: 's1', refreshTokenId: 's2' }, 's1'],
    [{ sid: 's3' }, null],
    [{}, null],
  ])('%j: the session is %j', (claims, expected) => {
    expect(mapStackAuthClaims(claims).sessionId).toBe(expected);
  });

  it('takes no role, team or scope for granted', () => {
    const mapped = mapStackAuthClaims({
      sub: 'u1',
      role: 'authenticated',
      roles: ['admin'],
      scope: 'all',
      permissions: ['all'],
      selected_team_id: 't1',
    });

    expect(mapped).toMatchObject({ id: 'u1', roles: [], scopes: [], permissions: [], organizations: [] });
  });

  it('reads who the user is', () => {
    const claims = { sub: 'u1', name: 'Mira', email: 'mira@example.org', email_verified: false };

    expect(mapStackAuthClaims(claims)).toMatchObject({
      id: 'u1',
      name: 'Mira',
      email: 'mira@example.org',
      emailVerified: false,
    });
    expect(mapStackAuthClaims({ sub: 'u1', name: null, email: null })).toMatchObject({ name: null, email: null });
  });
});
