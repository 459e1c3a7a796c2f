/** What the `@Require…` decorators take, and what a policy may give. */
import { type ExecutionContext } from '@nestjs/common';
import {
  type AuthUser,
  type Policy,
  type PolicyAnswer,
  type PolicyFunction,
  RequireAnyPermission,
  RequireAnyRole,
  RequireAnyScope,
  RequireOrganization,
  type RequireOrganizationOptions,
  RequirePermissions,
  RequirePolicy,
  RequireRoles,
  RequireScopes,
} from 'nest-gatehouse';
import { describe, expectTypeOf, it } from 'vitest';

type Mark = ClassDecorator & MethodDecorator;

describe('names', () => {
  it('are texts, one after the other', () => {
    const names: readonly string[] = ['a', 'b'];
    for (const decorator of [
      RequireScopes,
      RequireAnyScope,
      RequireRoles,
      RequireAnyRole,
      RequirePermissions,
      RequireAnyPermission,
    ]) {
      expectTypeOf(decorator('a', 'b')).toEqualTypeOf<Mark>();
      decorator(...names);
      // @ts-expect-error: a list is no name
      decorator(['a', 'b']);
      // @ts-expect-error: nor is a number
      decorator(1);
    }
  });
});

describe('@RequireOrganization()', () => {
  it('takes nothing, or what it can read', () => {
    expectTypeOf(RequireOrganization()).toEqualTypeOf<Mark>();
    RequireOrganization({ param: 'organization', by: 'slug', role: 'Admin' });
    RequireOrganization({ minimumRole: 'Member', permissions: ['a'] });
    RequireOrganization({ id: (context) => context.switchToHttp().getRequest<{ org?: string }>().org });
    RequireOrganization({ id: async () => Promise.resolve(null) });
    expectTypeOf<Parameters<NonNullable<RequireOrganizationOptions['id']>>>().toEqualTypeOf<[ExecutionContext]>();
  });

  it('takes nothing else', () => {
    // @ts-expect-error: an unknown option
    RequireOrganization({ parameter: 'orgId' });
    // @ts-expect-error: a list of roles
    RequireOrganization({ role: ['Admin'] });
    // @ts-expect-error: an organization is known by these three
    RequireOrganization({ by: 'title' });
    // @ts-expect-error: an id is a text
    RequireOrganization({ id: () => 1 });
  });
});

describe('@RequirePolicy()', () => {
  class OwnsCat implements Policy {
    constructor(private readonly owner: string) {}

    async check(user: AuthUser, context: ExecutionContext): Promise<PolicyAnswer> {
      return Promise.resolve(user.id === this.owner || `not for ${context.getType()}`);
    }
  }
  abstract class Port implements Policy {
    abstract check(user: AuthUser): boolean;
  }

  it('takes classes, whatever they inject, and functions', () => {
    expectTypeOf(RequirePolicy(OwnsCat)).toEqualTypeOf<Mark>();
    RequirePolicy(Port);
    RequirePolicy((user, context) => {
      expectTypeOf(user).toEqualTypeOf<AuthUser>();
      expectTypeOf(context).toEqualTypeOf<ExecutionContext>();
      return user.roles.includes('vet');
    });
    RequirePolicy(() => 'a reason');
    RequirePolicy(async () => Promise.resolve({ granted: false, reason: 'a reason' } as const));
    expectTypeOf<PolicyFunction>().toEqualTypeOf<Policy['check']>();
  });

  it('takes nothing else', () => {
    // @ts-expect-error: an object of the class
    RequirePolicy(new OwnsCat('alice'));
    // @ts-expect-error: a class that checks nothing
    RequirePolicy(class {});
    // @ts-expect-error: a function that answers nothing
    RequirePolicy(() => {});
    // @ts-expect-error: a number is no answer
    RequirePolicy(() => 1);
    // @ts-expect-error: only true lets anybody pass
    RequirePolicy(() => ({ granted: true }));
  });
});
