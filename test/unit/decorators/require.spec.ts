/** The requirement that a `@Require…` decorator writes, and the arguments that it refuses, when the class is loaded. */
import { describe, expect, it } from 'vitest';
import { readRequirements } from '../../../src/access/route-metadata.js';
import {
  RequireOrganization,
  type RequireOrganizationOptions,
} from '../../../src/decorators/require-organization.decorator.js';
import { RequirePolicy } from '../../../src/decorators/require-policy.decorator.js';
import {
  RequireAnyPermission,
  RequirePermissions,
  RequireAnyRole,
  RequireRoles,
  RequireAnyScope,
  RequireScopes,
} from '../../../src/decorators/require-authorities.decorator.js';
import { bringsAuthGuard } from '../../../src/guard/nest-internals.js';
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
  it('adds a requirement to a class and to a handler, and includes the guard', () => {
    class Cats {
      list(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, 'list') as PropertyDescriptor;
    decorator('a', 'b', 'a')(Cats.prototype, 'list', descriptor);
    decorator('c')(Cats.prototype, 'list', descriptor);
    decorator('d')(Cats);

    // The decorator that runs last is written first.
    expect(readRequirements(Cats.prototype.list)).toEqual([
      { kind, match, values: ['c'] },
      { kind, match, values: ['a', 'b'] },
    ]);
    expect(readRequirements(Cats)).toEqual([{ kind, match, values: ['d'] }]);
    expect([Cats, Cats.prototype.list].map(bringsAuthGuard)).toEqual([true, true]);
  });

  it.each([
    ['no name', [], /it names no \w+\. Write/],
    ['an empty name', [''], /something in it is not a \w+\. Write each/],
    ['a name with a space behind it', ['admin '], /something in it is not/],
    ['a list', [['a', 'b']], /something in it is not/],
    ['no text', ['a', undefined], /something in it is not/],
    ['a symbol', [Symbol('a')], /something in it is not/],
  ])('refuses %s as an argument', (_what, names, message) => {
    const error = configurationErrorOf(() => decorator(...(names as string[])));
    expect(error.path).toBe(name);
    expect(error.message).toMatch(message);
  });

  it('refuses to be used on a field', () => {
    expect(configurationErrorOf(() => decorator('a')({}, 'field', {})).path).toBe(name);
  });
});

describe('names', () => {
  it.each(['two words', 'ca"ts', 'ca\\ts', 'ça', 'a\nb'])('a scope is not %j', (name) => {
    expect(configurationErrorOf(() => RequireScopes(name)).path).toBe('@RequireScopes');
  });

  it.each(['Account Manager', 'propelauth::can_invite', '$delete_team', 'rôle', '__proto__'])(
    'a role or a permission can be %j',
    (name) => {
      expect(() => [RequireRoles(name), RequirePermissions(name)]).not.toThrow();
    },
  );
});

/** The requirements that a decorator writes on a class. */
function requirementsOf(decorator: ClassDecorator): readonly unknown[] {
  class Cats {}
  decorator(Cats);
  expect(bringsAuthGuard(Cats)).toBe(true);
  return readRequirements(Cats);
}

describe('@RequireOrganization', () => {
  const find = (): string => 'acme';

  it.each([
    [undefined, {}],
    [{}, {}],
    [{ param: 'organization' }, { from: { param: 'organization' } }],
    [{ param: '__proto__' }, { from: { param: '__proto__' } }],
    [
      { id: find, by: 'slug' },
      { from: { find }, by: 'slug' },
    ],
    [{ role: 'Account Manager' }, { role: 'Account Manager' }],
    [
      { minimumRole: 'Member', permissions: ['a', 'a', 'b'] },
      { minimumRole: 'Member', permissions: ['a', 'b'] },
    ],
  ] as const)('%j', (options, demanded) => {
    expect(requirementsOf(RequireOrganization(options))).toEqual([
      {
        kind: 'organization',
        from: { param: 'orgId' },
        by: 'id',
        role: null,
        minimumRole: null,
        permissions: [],
        ...demanded,
      },
    ]);
  });

  it.each([
    ['orgId', '@RequireOrganization', 'an object of options is expected'],
    [{ parameter: 'orgId' }, '@RequireOrganization({ parameter })', 'there is no option of this name'],
    [{ param: '' }, '@RequireOrganization({ param })', 'a text that is not empty'],
    [{ id: 'acme' }, '@RequireOrganization({ id })', 'a function is expected'],
    [{ id: find, param: 'orgId' }, '@RequireOrganization({ id })', 'param names the organization already'],
    [{ by: 'title' }, '@RequireOrganization({ by })', "one of 'id', 'slug', 'name'"],
    [{ role: ['Admin'] }, '@RequireOrganization({ role })', 'something in it is not a role'],
    [{ role: '' }, '@RequireOrganization({ role })', 'something in it is not a role'],
    [{ minimumRole: 'Admin ' }, '@RequireOrganization({ minimumRole })', 'something in it is not a role'],
    [{ permissions: [] }, '@RequireOrganization({ permissions })', 'it names no permission'],
    [{ permissions: 'a' }, '@RequireOrganization({ permissions })', 'something in it is not a permission'],
    [{ permissions: ['a', 1] }, '@RequireOrganization({ permissions })', 'something in it is not a permission'],
  ])('refuses %j', (options: unknown, path, problem) => {
    const error = configurationErrorOf(() => RequireOrganization(options as RequireOrganizationOptions));
    expect(error.path).toBe(path);
    expect(error.message).toContain(problem);
  });
});

describe('@RequirePolicy', () => {
  class OwnsCat {
    check(): boolean {
      return true;
    }
  }
  class ByField {
    readonly check = (): boolean => true;
  }
  abstract class Port {
    abstract check(): boolean;
  }
  /** A class as it is compiled to ES5. */
  function OldStyle(): void {}
  Object.assign(OldStyle.prototype as object, { check: () => true });
  function isOwner(): boolean {
    return true;
  }

  const policies: readonly [what: string, policy: Parameters<typeof RequirePolicy>[0], name: string, made: string][] = [
    ['a class', OwnsCat, 'OwnsCat', 'by-injector'],
    ['a class with its method in a field', ByField, 'ByField', 'by-injector'],
    ['an abstract class', Port, 'Port', 'by-injector'],
    [
      'a class without a name',
      class {
        check(): boolean {
          return true;
        }
      },
      'unnamed',
      'by-injector',
    ],
    ['a class of an old compiler', OldStyle as never, 'OldStyle', 'by-injector'],
    ['a function', isOwner, 'isOwner', 'by-hand'],
    ['an arrow function', () => true, 'unnamed', 'by-hand'],
    ['an async function', async () => true, 'unnamed', 'by-hand'],
  ];

  it.each(policies)('accepts %s', (_what, policy, name, made) => {
    expect(requirementsOf(RequirePolicy(policy))).toMatchObject([{ kind: 'policy', name, policy: { made } }]);
  });

  it.each([
    ['an object', new OwnsCat()],
    ['nothing', undefined],
    ['a name', 'OwnsCat'],
  ])('refuses %s', (_what, policy: unknown) => {
    const error = configurationErrorOf(() => RequirePolicy(policy as never));
    expect(error.message).toBe(
      '@RequirePolicy: a class or a function is expected. Write the class, and not an instance of it.',
    );
  });
});
