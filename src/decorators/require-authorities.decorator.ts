import { guardedRequirement, isPlainName, readNames } from './guarded-requirement.decorator.js';

/**
 * Requires that the token has all of these scopes. Other callers get 403 `insufficient_scope` with all scopes that the
 * route requires (RFC 6750 §3.1). Includes the guard. Requirements of the class apply in addition.
 *
 * @throws {ConfigurationError} when it names no scope, or one that RFC 6749 §3.3 does not allow.
 */
export function RequireScopes(...scopes: string[]): ClassDecorator & MethodDecorator {
  return requireScopes('@RequireScopes', 'all', scopes);
}

/** Requires that the token has at least one of these scopes. It is otherwise like `@RequireScopes`. */
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

/** A scope has printable ASCII characters except space, quote and backslash (RFC 6749 §3.3). */
function isScope(scope: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope);
}

/**
 * Requires that the user has all of these roles in `AuthUser.roles`, which come from the issuer's claims. Other callers
 * get 403. Includes the guard. Requirements of the class apply in addition. Use `@RequireOrganization` for roles within
 * an organization, and `@RequirePolicy` for roles that your app stores itself.
 *
 * @throws {ConfigurationError} when it names no role, or an invalid one.
 */
export function RequireRoles(...roles: string[]): ClassDecorator & MethodDecorator {
  return requireRoles('@RequireRoles', 'all', roles);
}

/** Requires that the user has at least one of these roles. It is otherwise like `@RequireRoles`. */
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
 * Requires that the user has all of these permissions in `AuthUser.permissions`, which come from the issuer's claims.
 * Other callers get 403. Includes the guard. Requirements of the class apply in addition. Use `@RequireOrganization` for
 * permissions within an organization.
 *
 * @throws {ConfigurationError} when it names no permission, or an invalid one.
 */
export function RequirePermissions(...permissions: string[]): ClassDecorator & MethodDecorator {
  return requirePermissions('@RequirePermissions', 'all', permissions);
}

/** Requires that the user has at least one of these permissions. It is otherwise like `@RequirePermissions`. */
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
