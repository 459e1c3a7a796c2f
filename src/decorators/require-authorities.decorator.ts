import { guardedRequirement, isPlainName, readNames } from './guarded-requirement.decorator.js';

/**
 * Lets a caller through whose token was granted all of these scopes; others get 403 `insufficient_scope`, with
 * everything named that the route asks of the token (RFC 6750 §3.1). Brings the guard along, and adds up with what the
 * class demands.
 *
 * @throws {ConfigurationError} when it names no scope, or something that is none (RFC 6749 §3.3).
 */
export function RequireScopes(...scopes: string[]): ClassDecorator & MethodDecorator {
  return requireScopes('@RequireScopes', 'all', scopes);
}

/** As `@RequireScopes`, for a caller whose token was granted at least one of these scopes. */
export function RequireAnyScope(...scopes: string[]): ClassDecorator & MethodDecorator {
  return requireScopes('@RequireAnyScope', 'any', scopes);
}

function requireScopes(
  where: string,
  match: 'all' | 'any',
  scopes: readonly unknown[],
): ClassDecorator & MethodDecorator {
  const form = { noun: 'scope', isName: isScope, example: `${where}('cats:read', 'cats:write')` };
  return guardedRequirement(where, { kind: 'scopes', match, values: readNames(where, scopes, form) });
}

/** RFC 6749 §3.3: printable, without space, quote and backslash. */
function isScope(scope: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope);
}

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
