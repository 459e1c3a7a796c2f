/** Scopes, roles and permissions: who has them passes, and who has not is told which scopes to ask for. */
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
    ['all of one', all(kind, 'a'), ['a'], 'granted'],
    ['all of two', all(kind, 'a', 'b'), ['b', 'c', 'a'], 'granted'],
    ['all, and one is missing', all(kind, 'a', 'b'), ['a'], 'refused'],
    ['all, and there are none', all(kind, 'a'), [], 'refused'],
    ['any, and the last is there', any(kind, 'a', 'b'), ['b'], 'granted'],
    ['any, and none is there', any(kind, 'a', 'b'), ['c'], 'refused'],
    ['another case of letters', all(kind, 'Admin'), ['admin'], 'refused'],
    ['a part of a name', all(kind, 'admin'), ['administrator', 'admin '], 'refused'],
    ['two names in one', all(kind, 'a', 'b'), ['a b', 'a,b'], 'refused'],
    ['a name of every object', all(kind, 'constructor'), ['a'], 'refused'],
    ['the name of the prototype', any(kind, '__proto__', 'toString', 'length', '0'), ['a'], 'refused'],
    ['such a name that is really there', all(kind, '__proto__'), ['__proto__'], 'granted'],
  ] as const)('%s', (_what, requirement, held, outcome) => {
    expect(decide(requirement, someUser({ [kind]: held })).kind).toBe(outcome);
  });

  it.each([
    ['a text, of which "adm" is a part', 'administrator'],
    ['an object with a method of the name', { includes: () => true }],
    ['nothing', undefined],
  ])('refuse a user that an app has created by hand, whose list is %s', (_what, list) => {
    const user: AuthUser = { ...someUser(), [kind]: list };
    expect(decide(all(kind, 'adm'), user).kind).toBe('refused');
  });

  it('count for themselves only', () => {
    const others = Object.fromEntries(kinds.filter((other) => other !== kind).map((other) => [other, ['a']]));
    expect(decide(all(kind, 'a'), someUser(others)).kind).toBe('refused');
  });

  it('are explained with the requirement, what the user has, and the source', () => {
    const decision = decide(any(kind, 'a', 'b'), someUser({ [kind]: ['c', 'x\ny'] }));
    expect(decision).toMatchObject({
      refusal: {
        explanation:
          `It requires one of the ${kind}: a, b; ` +
          `user.${kind}, from the claim map of issuer "https://issuer.example", has ["c","x\\ny"]`,
      },
    });
  });
});

describe('a refusal', () => {
  it.each(['roles', 'permissions'] as const)('for a lack of %s names no scope', (kind) => {
    const decision = decide(all(kind, 'a'), someUser(), [all('scopes', 'b')]);
    expect(decision).toMatchObject({ refusal: { code: 'ACCESS_DENIED', reason: null, requiredScopes: [] } });
  });

  it.each([
    ['those that are missing', [all('scopes', 'a', 'b')], [], 'a b'],
    ['those that the token has, too', [all('scopes', 'a', 'b')], ['a'], 'a b'],
    ['those of every demand, in order, once', [all('scopes', 'b', 'a'), all('scopes', 'a', 'c')], ['c'], 'b a c'],
    ['all of several that would do', [all('scopes', 'a'), any('scopes', 'b', 'c')], [], 'a b c'],
    ['of several that would do the one that is there', [any('scopes', 'b', 'c'), all('scopes', 'a')], ['c'], 'c a'],
    ['no role', [all('roles', 'r'), all('scopes', 'a')], [], 'a'],
  ])('for a lack of a scope names %s', (_what, demands, scopes, named) => {
    const failing = demands.find(
      (demand) => demand.kind === 'scopes' && decide(demand, someUser({ scopes })).kind === 'refused',
    );
    const user = someUser({ scopes });
    const decision = decideAuthorities(failing as AuthorityRequirement, authoritiesInToken(user, 'scopes'), demands);
    expect(decision).toMatchObject({
      refusal: { code: 'INSUFFICIENT_SCOPE', reason: null, requiredScopes: named.split(' ') },
    });
  });
});
