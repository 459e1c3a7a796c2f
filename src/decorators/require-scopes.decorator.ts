import { guardedRequirement } from './guarded-requirement.decorator.js';
import { readNames } from './read-names.js';

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
