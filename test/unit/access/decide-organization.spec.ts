/** Membership of the organization that a call names, and what is held there. */
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

/** Roles that include others: an admin is a member, too. */
const admin = withAssignedRoles(organization('acme', { roles: ['Admin', 'Member'] }), ['Admin']);
/** Several roles of equal rank. */
const several = withAssignedRoles(organization('acme', { roles: ['Editor', 'Billing'] }), ['Editor', 'Billing']);
/** An issuer that names roles and says nothing of their order. */
const unordered = organization('acme', { roles: ['Admin'], permissions: ['cats:read', 'cats:write'] });

const decide = (parts: Partial<OrganizationRequirement>, named: string, user: AuthUser): Decision =>
  decideOrganization({ ...plain, ...parts }, named, organizationsInToken(user));

const outcome = (parts: Partial<OrganizationRequirement>, named: string, organizations: readonly Organization[]) =>
  decide(parts, named, someUser({ organizations })).kind;

describe('membership', () => {
  it.each([
    ['of the organization of this id', 'acme', 'granted'],
    ['of another one', 'other', 'refused'],
    ['by the slug, unasked', 'acme-ltd', 'refused'],
    ['by the name, unasked', 'acme Ltd', 'refused'],
    ['by another case of letters', 'ACME', 'refused'],
    ['by the beginning of the id', 'acm', 'refused'],
    ['by what every object has', 'constructor', 'refused'],
    ['by the name of the prototype', '__proto__', 'refused'],
    ['by an index', '0', 'refused'],
  ])('%s', (_what, named, expected) => {
    expect(outcome({}, named, [organization('globex'), organization('acme')])).toBe(expected);
  });

  it('of none', () => {
    expect(outcome({}, 'acme', [])).toBe('refused');
    expect(outcome({}, '__proto__', [])).toBe('refused');
  });

  it.each([
    ['slug', 'acme-ltd', 'granted'],
    ['slug', 'acme', 'refused'],
    ['name', 'acme Ltd', 'granted'],
    ['name', 'acme-ltd', 'refused'],
  ] as const)('by the %s, when that is configured: %s', (by, named, expected) => {
    expect(outcome({ by }, named, [organization('acme')])).toBe(expected);
  });

  it('is undecided when two organizations have the name', () => {
    const two = [organization('a', { slug: 'acme' }), organization('b', { slug: 'acme' })];
    expect(outcome({ by: 'slug' }, 'acme', two)).toBe('refused');
    expect(outcome({}, 'a', two)).toBe('granted');
    expect(outcome({}, 'a', [organization('a'), organization('a', { roles: ['Admin'] })])).toBe('refused');
  });

  it.each([
    ['no list', undefined],
    ['a text', 'acme'],
    ['an object by ids', { acme: organization('acme') }],
  ])('of a user whom an app has created by hand, with %s', (_what, organizations) => {
    const user = { ...someUser(), organizations } as unknown as AuthUser;
    expect(decide({}, 'acme', user).kind).toBe('refused');
  });
});

describe('the authorities in an organization', () => {
  it.each([
    ['the assigned role', { role: 'Admin' }, admin, 'granted'],
    ['a role that it includes, exactly', { role: 'Member' }, admin, 'refused'],
    ['a role that it includes, at least', { minimumRole: 'Member' }, admin, 'granted'],
    ['the assigned role, at least', { minimumRole: 'Admin' }, admin, 'granted'],
    ['a role above', { minimumRole: 'Owner' }, admin, 'refused'],
    ['one of several, exactly', { role: 'Billing' }, several, 'granted'],
    ['one of several, at least: no order, so the same', { minimumRole: 'Billing' }, several, 'granted'],
    ['none of several, at least', { minimumRole: 'Member' }, several, 'refused'],
    ['a role of an issuer without order', { role: 'Admin' }, unordered, 'granted'],
    ['the same, at least, which anonymousCaller can tell', { minimumRole: 'Admin' }, unordered, 'refused'],
    ['a role that every object has', { role: 'constructor' }, admin, 'refused'],
    ['permissions, all', { permissions: ['cats:write', 'cats:read'] }, unordered, 'granted'],
    ['permissions, not all', { permissions: ['cats:read', 'cats:sell'] }, unordered, 'refused'],
    ['permissions, none held', { permissions: ['cats:read'] }, admin, 'refused'],
    ['role and permissions', { role: 'Admin', permissions: ['cats:read'] }, unordered, 'granted'],
    ['role without the permission', { role: 'Admin', permissions: ['cats:read'] }, admin, 'refused'],
    ['permission without the role', { role: 'Owner', permissions: ['cats:read'] }, unordered, 'refused'],
    ['exactly, and at least another', { role: 'Admin', minimumRole: 'Owner' }, admin, 'refused'],
  ] as const)('%s', (_what, parts, held, expected) => {
    expect(outcome(parts, 'acme', [held])).toBe(expected);
  });

  it('count in this organization only', () => {
    const organizations = [organization('acme', { roles: ['Member'] }), organization('globex', { roles: ['Admin'] })];
    expect(outcome({ role: 'Admin' }, 'acme', organizations)).toBe('refused');
    const roles = someUser({ roles: ['Admin'], permissions: ['p'], organizations: [organization('acme')] });
    expect(decide({ role: 'Admin' }, 'acme', roles).kind).toBe('refused');
    expect(decide({ permissions: ['p'] }, 'acme', roles).kind).toBe('refused');
  });
});

describe('a refusal', () => {
  const explanationOf = (parts: Partial<OrganizationRequirement>, named: string, ...held: readonly Organization[]) => {
    const decision = decide(parts, named, someUser({ organizations: held }));
    if (decision.kind === 'granted') throw new Error('It was granted');
    expect(decision.refusal).toMatchObject({ code: 'ACCESS_DENIED', reason: null, requiredScopes: [] });
    return decision.refusal.explanation;
  };
  const place = 'user.organizations, from the claim map of issuer "https://issuer.example", has';
  const demanded = 'It requires membership of the organization whose id is :orgId';

  it.each([
    ['acme\n', {}, [], `${demanded}; the call names "acme\\u000a", and ${place} the ids []`],
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
      `It requires membership of the organization whose id is what id() gives, role: Member; the call names "acme", where ${place} the assigned roles ["Admin"]`,
    ],
    [
      'acme',
      { minimumRole: 'Owner', permissions: ['p', 'q'] },
      [admin],
      `${demanded}, at least role: Owner, permissions: p, q; the call names "acme", where ${place} the roles ["Admin","Member"]`,
    ],
    [
      'acme',
      { minimumRole: 'Admin' },
      [unordered],
      `${demanded}, at least role: Admin; the call names "acme", where ${place} roles without an order, so that "at least" cannot be decided: ask for the exact role`,
    ],
    [
      'acme',
      { permissions: ['p'] },
      [unordered],
      `${demanded}, permissions: p; the call names "acme", where ${place} the permissions ["cats:read","cats:write"]`,
    ],
    [
      'acme',
      {},
      [organization('acme'), organization('acme')],
      `${demanded}; the call names "acme", and ${place} several of this id: ask by another name of theirs`,
    ],
  ] as const)(
    'states the requirement, the organization and the granted authorities: %j, %j',
    (named, parts, held, explanation) => {
      expect(explanationOf(parts, named, ...held)).toBe(explanation);
    },
  );
});
