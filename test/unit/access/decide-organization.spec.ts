/** Membership of the organization that a call names, and the user's roles and permissions in it. */
import { describe, expect, it } from 'vitest';
import { decideOrganization, organizationsInToken } from '../../../src/access/organization-evaluator.js';
import type { Decision } from '../../../src/access/decision.js';
import type { OrganizationRequirement } from '../../../src/access/requirement.js';
import { withAssignedRoles, type AuthUser, type Organization } from '../../../src/user/auth-user.js';
import { someUser } from '../../support/some-user.js';

const plain: OrganizationRequirement = {
  kind: 'organization',
  from: { param: 'orgId' },
  by: 'id',
  role: null,
  minimumRole: null,
  permissions: [],
};

const organization = (id: string, parts: Partial<Organization> = {}): Organization => ({
  id,
  name: `${id} Ltd`,
  slug: `${id}-ltd`,
  roles: [],
  permissions: [],
  ...parts,
});

/** An assigned role that includes another one: an admin is a member, too. */
const admin = withAssignedRoles(organization('acme', { roles: ['Admin', 'Member'] }), ['Admin']);
/** Several roles of equal rank. */
const several = withAssignedRoles(organization('acme', { roles: ['Editor', 'Billing'] }), ['Editor', 'Billing']);
/** From an issuer whose roles have no order. */
const unordered = organization('acme', { roles: ['Admin'], permissions: ['cats:read', 'cats:write'] });

const decide = (parts: Partial<OrganizationRequirement>, named: string, user: AuthUser): Decision =>
  decideOrganization({ ...plain, ...parts }, named, organizationsInToken(user));

const outcome = (parts: Partial<OrganizationRequirement>, named: string, organizations: readonly Organization[]) =>
  decide(parts, named, someUser({ organizations })).kind;

describe('a user is recognised as a member', () => {
  it.each([
    ['by the id of the organization', 'acme', 'granted'],
    ['not by another id', 'other', 'refused'],
    ['not by the slug, where the id is required', 'acme-ltd', 'refused'],
    ['not by the name, where the id is required', 'acme Ltd', 'refused'],
    ['not by the id in another case of letters', 'ACME', 'refused'],
    ['not by the beginning of the id', 'acm', 'refused'],
    ['not by the name of a member of every object', 'constructor', 'refused'],
    ['not by the name of the prototype', '__proto__', 'refused'],
    ['not by an index', '0', 'refused'],
  ])('%s', (_what, named, expected) => {
    expect(outcome({}, named, [organization('globex'), organization('acme')])).toBe(expected);
  });

  it('not without organizations', () => {
    expect(outcome({}, 'acme', [])).toBe('refused');
    expect(outcome({}, '__proto__', [])).toBe('refused');
  });

  it.each([
    ['slug', 'acme-ltd', 'granted'],
    ['slug', 'acme', 'refused'],
    ['name', 'acme Ltd', 'granted'],
    ['name', 'acme-ltd', 'refused'],
  ] as const)('by the %s, where the route requires it: %s is %s', (by, named, expected) => {
    expect(outcome({ by }, named, [organization('acme')])).toBe(expected);
  });

  it('not where two organizations have the same slug or id', () => {
    const two = [organization('a', { slug: 'acme' }), organization('b', { slug: 'acme' })];
    expect(outcome({ by: 'slug' }, 'acme', two)).toBe('refused');
    expect(outcome({}, 'a', two)).toBe('granted');
    expect(outcome({}, 'a', [organization('a'), organization('a', { roles: ['Admin'] })])).toBe('refused');
  });

  it.each([
    ['undefined', undefined],
    ['a string', 'acme'],
    ['an object with ids as keys', { acme: organization('acme') }],
  ])('not where the app has created the user with organizations that are %s', (_what, organizations) => {
    const user = { ...someUser(), organizations } as unknown as AuthUser;
    expect(decide({}, 'acme', user).kind).toBe('refused');
  });
});

describe('roles and permissions in the organization', () => {
  it.each([
    ['role: the assigned one', { role: 'Admin' }, admin, 'granted'],
    ['role: one that the assigned one includes', { role: 'Member' }, admin, 'refused'],
    ['minimumRole: one that the assigned one includes', { minimumRole: 'Member' }, admin, 'granted'],
    ['minimumRole: the assigned one', { minimumRole: 'Admin' }, admin, 'granted'],
    ['minimumRole: one above the assigned one', { minimumRole: 'Owner' }, admin, 'refused'],
    ['role: one of several assigned ones', { role: 'Billing' }, several, 'granted'],
    ['minimumRole: one of several assigned ones of equal rank', { minimumRole: 'Billing' }, several, 'granted'],
    ['minimumRole: none of several assigned ones', { minimumRole: 'Member' }, several, 'refused'],
    ['role: of an issuer whose roles have no order', { role: 'Admin' }, unordered, 'granted'],
    ['minimumRole: of an issuer whose roles have no order', { minimumRole: 'Admin' }, unordered, 'refused'],
    ['role: the name of a member of every object', { role: 'constructor' }, admin, 'refused'],
    ['permissions: all held', { permissions: ['cats:write', 'cats:read'] }, unordered, 'granted'],
    ['permissions: some held', { permissions: ['cats:read', 'cats:sell'] }, unordered, 'refused'],
    ['permissions: none held', { permissions: ['cats:read'] }, admin, 'refused'],
    ['role and permissions: both held', { role: 'Admin', permissions: ['cats:read'] }, unordered, 'granted'],
    ['role and permissions: only the role held', { role: 'Admin', permissions: ['cats:read'] }, admin, 'refused'],
    [
      'role and permissions: only the permission held',
      { role: 'Owner', permissions: ['cats:read'] },
      unordered,
      'refused',
    ],
    ['role and minimumRole: only the role held', { role: 'Admin', minimumRole: 'Owner' }, admin, 'refused'],
  ] as const)('%s', (_what, parts, held, expected) => {
    expect(outcome(parts, 'acme', [held])).toBe(expected);
  });

  it('do not count in another organization', () => {
    const organizations = [organization('acme', { roles: ['Member'] }), organization('globex', { roles: ['Admin'] })];
    expect(outcome({ role: 'Admin' }, 'acme', organizations)).toBe('refused');
    const roles = someUser({ roles: ['Admin'], permissions: ['p'], organizations: [organization('acme')] });
    expect(decide({ role: 'Admin' }, 'acme', roles).kind).toBe('refused');
    expect(decide({ permissions: ['p'] }, 'acme', roles).kind).toBe('refused');
  });
});

describe('a refusal explains', () => {
  const explanationOf = (parts: Partial<OrganizationRequirement>, named: string, ...held: readonly Organization[]) => {
    const decision = decide(parts, named, someUser({ organizations: held }));
    if (decision.kind === 'granted') throw new Error('It was granted');
    expect(decision.refusal).toMatchObject({ code: 'ACCESS_DENIED', reason: null, requiredScopes: [] });
    return decision.refusal.explanation;
  };
  const place = 'user.organizations, read from the token of issuer "https://issuer.example", has';
  const required = 'It requires membership of the organization whose id is :orgId';

  it.each([
    ['acme\n', {}, [], `${required}; the call names "acme\\u000a", and ${place} the ids []`],
    [
      'x',
      { by: 'slug' },
      [organization('acme')],
      `It requires membership of the organization whose slug is :orgId; the call names "x", and ${place} the slugs ["acme-ltd"]`,
    ],
    [
      'acme',
      { role: 'Member', from: { find: () => 'acme' } },
      [admin],
      `It requires membership of the organization whose id is returned by id(), role: Member; the call names "acme", where ${place} the assigned roles ["Admin"]`,
    ],
    [
      'acme',
      { minimumRole: 'Owner', permissions: ['p', 'q'] },
      [admin],
      `${required}, at least role: Owner, permissions: p, q; the call names "acme", where ${place} the roles ["Admin","Member"]`,
    ],
    [
      'acme',
      { minimumRole: 'Admin' },
      [unordered],
      `${required}, at least role: Admin; the call names "acme", where ${place} roles without an order, so that minimumRole cannot be decided: require the exact role`,
    ],
    [
      'acme',
      { permissions: ['p'] },
      [unordered],
      `${required}, permissions: p; the call names "acme", where ${place} the permissions ["cats:read","cats:write"]`,
    ],
    [
      'acme',
      {},
      [organization('acme'), organization('acme')],
      `${required}; the call names "acme", and ${place} several organizations of this id: choose a property that is unique with @RequireOrganization({ by })`,
    ],
  ] as const)(
    'what is required, what the call names and what the user has: %j, %j',
    (named, parts, held, explanation) => {
      expect(explanationOf(parts, named, ...held)).toBe(explanation);
    },
  );
});
