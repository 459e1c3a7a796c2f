import { applyDecorators, UseGuards } from '@nestjs/common';

import { ConfigurationError } from '../errors/configuration-error.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { demandOf } from './mark-target.js';

/**
 * Lets a caller through whose token was granted all of these scopes; others get 403 `insufficient_scope` with the
 * scopes named (RFC 6750 §3.1). Brings the guard along, and adds up with what the class demands.
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
  const values = scopes.filter(isScope);
  if (values.length === 0 || values.length < scopes.length) {
    throw new ConfigurationError(
      where,
      scopes.length === 0 ? 'it names no scope' : 'something in it is not a scope',
      `Write each scope as a text of its own: ${where}('cats:read', 'cats:write')`,
    );
  }
  return applyDecorators(
    demandOf(where, { kind: 'scopes', match, values: Object.freeze(values) }),
    UseGuards(AuthGuard),
  );
}

/** RFC 6749 §3.3: printable, without space, quote and backslash. */
function isScope(scope: unknown): scope is string {
  return typeof scope === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope);
}
