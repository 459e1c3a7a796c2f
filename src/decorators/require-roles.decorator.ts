import { guardedRequirement } from './guarded-requirement.decorator.js';
import { isPlainName, readNames } from './read-names.js';

/**
 * Lets a user through who has all of these roles: those of `AuthUser.roles`, as the issuer's claims tell them; others
 * get 403. Brings the guard along, and adds up with what the class demands. Roles within an organization are the matter
 * of `@RequireOrganization`, and roles that your app keeps itself that of `@RequirePolicy`.
 *
 * @throws {ConfigurationError} when it names no role, or something that is none.
 */
export function RequireRoles(...roles: string[]): ClassDecorator & MethodDecorator {
  return requireRoles('@RequireRoles', 'all', roles);
}

/** As `@RequireRoles`, for a user who has at least one of these roles. */
export function RequireAnyRole(...roles: string[]): ClassDecorator & MethodDecorator {
  return requireRoles('@RequireAnyRole', 'any', roles);
}

function requireRoles(
  where: string,
  match: 'all' | 'any',
  roles: readonly unknown[],
): ClassDecorator & MethodDecorator {
  const form = { noun: 'role', isName: isPlainName, example: `${where}('admin', 'editor')` };
  return guardedRequirement(where, { kind: 'roles', match, values: readNames(where, roles, form) });
}
