/** The path of `@CurrentUser()` is checked against the user's type. */
import { ParseIntPipe } from '@nestjs/common';
import { type AuthUser, CurrentUser, type PropertyPath } from 'nest-gatehouse';
import { describe, expectTypeOf, it } from 'vitest';

interface Account {
  readonly plan: { readonly name: string; readonly userSlots: number } | null;
  readonly members: readonly { readonly email: string }[];
  readonly since: Date;
  cancel(): void;
}

describe('@CurrentUser()', () => {
  it('takes the paths of an AuthUser, pipes, and both', () => {
    CurrentUser();
    CurrentUser('id');
    CurrentUser('roles.0');
    CurrentUser('organizations.0.name');
    CurrentUser('organizations.12.roles.3');
    CurrentUser('organizations.0.assignedRoles.0');
    // The claims are the issuer's: any path may lead somewhere.
    CurrentUser('claims.address.city');
    CurrentUser('claims.age', ParseIntPipe, new ParseIntPipe());
    CurrentUser(new ParseIntPipe(), ParseIntPipe);
  });

  it('takes the paths of another type that is named', () => {
    CurrentUser<Account>('plan.name');
    CurrentUser<Account>('members.0.email');
    // @ts-expect-error: Account has no id
    CurrentUser<Account>('id');
    // @ts-expect-error: AuthUser has no plan
    CurrentUser('plan.name');
  });

  it('refuses every other text', () => {
    // @ts-expect-error: a typing error
    CurrentUser('emial');
    // @ts-expect-error: nothing lies below a text
    CurrentUser('id.length');
    // @ts-expect-error: a list is read by index
    CurrentUser('roles.length');
    // @ts-expect-error: members of a list have an index before their name
    CurrentUser('organizations.name');
    // @ts-expect-error: what a prototype has is out of reach
    CurrentUser('constructor');
    // @ts-expect-error: a date has nothing of its own
    CurrentUser('expiresAt.getTime');
    // @ts-expect-error: a pipe is a class or an object
    CurrentUser('id', 'trim');
    // @ts-expect-error: a path that is only known at runtime may lead anywhere
    CurrentUser('id' as string);
  });
});

describe('the paths of a user', () => {
  it('are the names of its properties, at any depth', () => {
    expectTypeOf<'id'>().toExtend<PropertyPath<AuthUser>>();
    expectTypeOf<'organizations.0.permissions.1'>().toExtend<PropertyPath<AuthUser>>();
    expectTypeOf<'plan' | 'plan.userSlots' | 'members.7' | 'since'>().toExtend<PropertyPath<Account>>();
  });

  it('are no arbitrary texts', () => {
    expectTypeOf<string>().not.toExtend<PropertyPath<AuthUser>>();
    expectTypeOf<'plan.name.length'>().not.toExtend<PropertyPath<Account>>();
    expectTypeOf<'members.first'>().not.toExtend<PropertyPath<Account>>();
  });
});
