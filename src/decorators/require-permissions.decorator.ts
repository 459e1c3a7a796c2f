import { guardedRequirement } from './guarded-requirement.decorator.js';
import { isPlainName, readNames } from './read-names.js';

/**
 * Lets a user through who has all of these permissions: those of `AuthUser.permissions`, as the issuer's claims tell
 * them; others get 403. Brings the guard along, and adds up with what the class demands. Permissions within an
 * organization are the matter of `@RequireOrganization`.
 *
 * @throws {ConfigurationError} when it names no permission, or something that is none.
 */
export function RequirePermissions(...permissions: string[]): ClassDecorator & MethodDecorator {
  return requirePermissions('@RequirePermissions', 'all', permissions);
}

/** As `@RequirePermissions`, for a user who has at least one of these permissions. */
export function RequireAnyPermission(...permissions: string[]): ClassDecorator & MethodDecorator {
  return requirePermissions('@RequireAnyPermission', 'any', permissions);
}

function requirePermissions(
  where: string,
  match: 'all' | 'any',
  permissions: readonly unknown[],
): ClassDecorator & MethodDecorator {
  const form = { noun: 'permission', isName: isPlainName, example: `${where}('cats:read', 'cats:write')` };
  return guardedRequirement(where, { kind: 'permissions', match, values: readNames(where, permissions, form) });
}
