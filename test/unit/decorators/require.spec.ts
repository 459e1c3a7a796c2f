/** What a `@Require…` decorator writes down, and what it refuses to be given: both when the class is loaded. */
import { describe, expect, it } from 'vitest';
import { readDemands } from '../../../src/access/demand-mark.js';
import { RequireAnyPermission, RequirePermissions } from '../../../src/decorators/require-permissions.decorator.js';
import { RequireAnyRole, RequireRoles } from '../../../src/decorators/require-roles.decorator.js';
import { RequireAnyScope, RequireScopes } from '../../../src/decorators/require-scopes.decorator.js';
import { bringsAuthGuard } from '../../../src/guard/brings-auth-guard.js';
import { configurationErrorOf } from '../../support/outcome.js';

type Require = (...names: string[]) => ClassDecorator & MethodDecorator;

const decorators: readonly [name: string, decorator: Require, kind: string, match: string][] = [
  ['@RequireScopes', RequireScopes, 'scopes', 'all'],
  ['@RequireAnyScope', RequireAnyScope, 'scopes', 'any'],
  ['@RequireRoles', RequireRoles, 'roles', 'all'],
  ['@RequireAnyRole', RequireAnyRole, 'roles', 'any'],
  ['@RequirePermissions', RequirePermissions, 'permissions', 'all'],
  ['@RequireAnyPermission', RequireAnyPermission, 'permissions', 'any'],
];

describe.each(decorators)('%s', (name, decorator, kind, match) => {
  it('writes on a class and on a handler, beside what stands there, and brings the guard', () => {
    class Cats {
      list(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, 'list') as PropertyDescriptor;
    decorator('a', 'b', 'a')(Cats.prototype, 'list', descriptor);
    decorator('c')(Cats.prototype, 'list', descriptor);
    decorator('d')(Cats);

    // The decorator that runs last stands on top.
    expect(readDemands(Cats.prototype.list)).toEqual([
      { kind, match, values: ['c'] },
      { kind, match, values: ['a', 'b'] },
    ]);
    expect(readDemands(Cats)).toEqual([{ kind, match, values: ['d'] }]);
    expect([Cats, Cats.prototype.list].map(bringsAuthGuard)).toEqual([true, true]);
  });

  it.each([
    ['no name', [], /it names no \w+\. Write/],
    ['an empty name', [''], /something in it is not a \w+\. Write each/],
    ['a name with a space behind it', ['admin '], /something in it is not/],
    ['a list', [['a', 'b']], /something in it is not/],
    ['no text', ['a', undefined], /something in it is not/],
    ['a symbol', [Symbol('a')], /something in it is not/],
  ])('refuses %s', (_what, names, message) => {
    const error = configurationErrorOf(() => decorator(...(names as string[])));
    expect(error.path).toBe(name);
    expect(error.message).toMatch(message);
  });

  it('refuses to stand on a field', () => {
    expect(configurationErrorOf(() => decorator('a')({}, 'field', {})).path).toBe(name);
  });
});

describe('names', () => {
  it.each(['two words', 'ca"ts', 'ca\\ts', 'ça', 'a\nb'])('a scope is not %j', (name) => {
    expect(configurationErrorOf(() => RequireScopes(name)).path).toBe('@RequireScopes');
  });

  it.each(['Account Manager', 'propelauth::can_invite', '$delete_team', 'rôle', '__proto__'])(
    'a role or a permission may be %j',
    (name) => {
      expect(() => [RequireRoles(name), RequirePermissions(name)]).not.toThrow();
    },
  );
});
