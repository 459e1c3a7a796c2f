/** In which order a route's demands are asked: what costs least first, the app's own rules last. */
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

/** Written from top to bottom, on the base class, the class and the handler. */
function namesOf(
  onBase: readonly DeclaredRequirement[],
  onClass: readonly DeclaredRequirement[],
  onHandler: readonly DeclaredRequirement[],
) {
  class Base {}
  class Cats extends Base {
    list(): void {}
  }
  // Decorators run from the name outwards.
  for (const demand of onBase.toReversed()) addRequirement(Base, demand);
  for (const demand of onClass.toReversed()) addRequirement(Cats, demand);
  for (const demand of onHandler.toReversed()) addRequirement(Cats.prototype.list, demand);
  const route = { getClass: () => Cats, getHandler: () => Cats.prototype.list };
  const rules = readRouteRules(route, defaults, () => false);
  if (rules.mode !== 'required') throw new Error('Demands require a user');
  return rules.requirements?.all.map(nameOf);
}

describe('requirements', () => {
  it('are checked in the order in which they are written: base class, class, handler', () => {
    expect(namesOf([held('roles', 'a')], [held('scopes', 'b'), held('roles', 'c')], [held('scopes', 'd')])).toEqual([
      'roles: a',
      'scopes: b',
      'roles: c',
      'scopes: d',
    ]);
  });

  it('have look-ups checked after the others, and policies last', () => {
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
