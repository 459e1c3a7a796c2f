/** The order in which the requirements of a route are checked: the cheapest first, the app's policies last. */
import { describe, expect, it } from 'vitest';
import { addRequirement, type DeclaredRequirement } from '../../../src/access/route-metadata.js';
import { nameOf } from '../../../src/access/requirement.js';
import { readRouteRules } from '../../../src/access/route-rules.js';

const defaults = { onInvalid: 'anonymous', onUnavailable: 'reject' } as const;
const held = (kind: 'scopes' | 'roles' | 'permissions', value: string): DeclaredRequirement => ({
  kind,
  match: 'all',
  values: [value],
});
const policy = (name: string): DeclaredRequirement => ({
  kind: 'policy',
  name,
  policy: { made: 'by-hand', check: () => true },
});
const organization: DeclaredRequirement = {
  kind: 'organization',
  from: { param: 'orgId' },
  by: 'id',
  role: null,
  minimumRole: null,
  permissions: [],
};

/** The names of the requirements in the order in which they are checked. The arguments list decorators from top to bottom. */
function namesOf(
  onBase: readonly DeclaredRequirement[],
  onClass: readonly DeclaredRequirement[],
  onHandler: readonly DeclaredRequirement[],
) {
  class Base {}
  class Cats extends Base {
    list(): void {}
  }
  // Decorators run from the bottom to the top.
  for (const requirement of onBase.toReversed()) addRequirement(Base, requirement);
  for (const requirement of onClass.toReversed()) addRequirement(Cats, requirement);
  for (const requirement of onHandler.toReversed()) addRequirement(Cats.prototype.list, requirement);
  const route = { getClass: () => Cats, getHandler: () => Cats.prototype.list };
  const rules = readRouteRules(route, defaults, () => false);
  if (rules.mode !== 'required') throw new Error('Requirements make a user mandatory');
  return rules.requirements?.all.map(nameOf);
}

describe('requirements', () => {
  it('are checked as they are written: base class, class, handler', () => {
    expect(namesOf([held('roles', 'a')], [held('scopes', 'b'), held('roles', 'c')], [held('scopes', 'd')])).toEqual([
      'roles: a',
      'scopes: b',
      'roles: c',
      'scopes: d',
    ]);
  });

  it('that may need a request to the provider follow those of the token, and policies come last', () => {
    expect(
      namesOf(
        [policy('P')],
        [organization, policy('Q'), held('roles', 'a')],
        [held('permissions', 'b'), policy('R'), held('scopes', 'c')],
      ),
    ).toEqual([
      'roles: a',
      'scopes: c',
      'membership of the organization whose id is :orgId',
      'permissions: b',
      'policy P',
      'policy Q',
      'policy R',
    ]);
  });
});
