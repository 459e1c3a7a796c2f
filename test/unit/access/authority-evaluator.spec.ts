/** Scopes, roles and permissions: users who have them pass, and a refusal for a scope names the scopes to request. */
import { describe, expect, it } from 'vitest';
import { decideAuthorities, authoritiesInToken } from '../../../src/access/authority-evaluator.js';
import type { Decision } from '../../../src/access/decision.js';
import type { AuthorityKind, AuthorityRequirement } from '../../../src/access/requirement.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { someUser } from '../../support/some-user.js';

const kinds: readonly AuthorityKind[] = ['scopes', 'roles', 'permissions'];

const all = (kind: AuthorityKind, ...values: string[]): AuthorityRequirement => ({ kind, match: 'all', values });
const any = (kind: AuthorityKind, ...values: string[]): AuthorityRequirement => ({ kind, match: 'any', values });

const decide = (
  requirement: AuthorityRequirement,
  user: AuthUser,
  others: readonly AuthorityRequirement[] = [],
): Decision => decideAuthorities(requirement, authoritiesInToken(user, requirement.kind), [...others, requirement]);

describe.each(kinds)('%s', (kind) => {
  it.each([
    ['all of one, which the user has', all(kind, 'a'), ['a'], 'granted'],
    ['all of two, which the user has', all(kind, 'a', 'b'), ['b', 'c', 'a'], 'granted'],
    ['all of two, of which the user lacks one', all(kind, 'a', 'b'), ['a'], 'refused'],
    ['all of one, where the user has none', all(kind, 'a'), [], 'refused'],
    ['any of two, of which the user has the last', any(kind, 'a', 'b'), ['b'], 'granted'],
    ['any of two, of which the user has none', any(kind, 'a', 'b'), ['c'], 'refused'],
    ['a name in another case of letters', all(kind, 'Admin'), ['admin'], 'refused'],
    ['a part of a name', all(kind, 'admin'), ['administrator', 'admin '], 'refused'],
    ['two names in one', all(kind, 'a', 'b'), ['a b', 'a,b'], 'refused'],
    ['the name of a member of every object', all(kind, 'constructor'), ['a'], 'refused'],
    ['the name of the prototype', any(kind, '__proto__', 'toString', 'length', '0'), ['a'], 'refused'],
    ['the name of the prototype, which the user has', all(kind, '__proto__'), ['__proto__'], 'granted'],
  ] as const)('%s', (_what, requirement, held, outcome) => {
    expect(decide(requirement, someUser({ [kind]: held })).kind).toBe(outcome);
  });

  it.each([
    ['a string that contains "adm"', 'administrator'],
    ['an object with a method includes', { includes: () => true }],
    ['undefined', undefined],
  ])('refuse a user created by the app whose list is %s', (_what, list) => {
    const user: AuthUser = { ...someUser(), [kind]: list };
    expect(decide(all(kind, 'adm'), user).kind).toBe('refused');
  });

  it('are not satisfied by equal values in the other lists', () => {
    const others = Object.fromEntries(kinds.filter((other) => other !== kind).map((other) => [other, ['a']]));
    expect(decide(all(kind, 'a'), someUser(others)).kind).toBe('refused');
  });

  it('are explained in a refusal: what is required, what the user has, and where that was read', () => {
    const decision = decide(any(kind, 'a', 'b'), someUser({ [kind]: ['c', 'x\ny'] }));
    expect(decision).toMatchObject({
      refusal: {
        explanation:
          `It requires one of the ${kind}: a, b; ` +
          `user.${kind}, read from the token of issuer "https://issuer.example", has ["c","x\\ny"]`,
      },
    });
  });
});

describe('a refusal', () => {
  it.each(['roles', 'permissions'] as const)('for missing %s names no scopes', (kind) => {
    const decision = decide(all(kind, 'a'), someUser(), [all('scopes', 'b')]);
    expect(decision).toMatchObject({ refusal: { code: 'ACCESS_DENIED', reason: null, requiredScopes: [] } });
  });

  it.each([
    ['the missing scopes', [all('scopes', 'a', 'b')], [], 'a b'],
    ['scopes that the token has, too', [all('scopes', 'a', 'b')], ['a'], 'a b'],
    [
      'the scopes of every requirement, in order, once',
      [all('scopes', 'b', 'a'), all('scopes', 'a', 'c')],
      ['c'],
      'b a c',
    ],
    [
      'all of several alternatives, where the token has none',
      [all('scopes', 'a'), any('scopes', 'b', 'c')],
      [],
      'a b c',
    ],
    [
      'of several alternatives only the one that the token has',
      [any('scopes', 'b', 'c'), all('scopes', 'a')],
      ['c'],
      'c a',
    ],
    ['no roles', [all('roles', 'r'), all('scopes', 'a')], [], 'a'],
  ])('for a missing scope names %s', (_what, requirements, scopes, named) => {
    const failing = requirements.find(
      (requirement) => requirement.kind === 'scopes' && decide(requirement, someUser({ scopes })).kind === 'refused',
    );
    const user = someUser({ scopes });
    const decision = decideAuthorities(
      failing as AuthorityRequirement,
      authoritiesInToken(user, 'scopes'),
      requirements,
    );
    expect(decision).toMatchObject({
      refusal: { code: 'INSUFFICIENT_SCOPE', reason: null, requiredScopes: named.split(' ') },
    });
  });
});
