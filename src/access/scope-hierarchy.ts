import { type GivenOptions, path, readOptions } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';

const noScopes: ReadonlySet<string> = new Set();

/** Which scopes include others: a token with `admin` may do what requires `read`, if the app says so in `scopeImplies`. */
export class ScopeHierarchy {
  /** @param implied all scopes that a scope includes, directly and by others */
  constructor(private readonly implied: ReadonlyMap<string, ReadonlySet<string>> = new Map()) {}

  /** Whether granted scopes contain a scope, or one that includes it. */
  grants(granted: readonly string[], scope: string): boolean {
    if (granted.includes(scope)) return true;
    const { implied } = this;
    return implied.size > 0 && granted.some((held) => (implied.get(held) ?? noScopes).has(scope));
  }
}

/**
 * Reads the option `scopeImplies`.
 *
 * @throws {ConfigurationError} for anything but lists of scopes (RFC 6749 §3.3), and for a scope that includes itself.
 */
export function readScopeImplies(where: string, options: GivenOptions): ScopeHierarchy {
  const option = path(where, 'scopeImplies');
  const given = options['scopeImplies'];
  if (given === undefined) return new ScopeHierarchy();
  const names = typeof given === 'object' && given !== null ? Object.keys(given) : [];
  const entries = Object.entries(readOptions(option, given, names));
  const direct = new Map(entries.map(([scope, implied]) => [scope, readImplied(option, scope, implied)]));
  const implied = [...direct.keys()].map((scope) => [scope, followAll(option, scope, direct, [scope])] as const);
  return new ScopeHierarchy(new Map(implied));
}

/**
 * Creates the error that a handler throws when the token lacks scopes that only the handler knows of, such as those of one tool of
 * an MCP server. The answer is that of `@RequireScopes()`: 403 `INSUFFICIENT_SCOPE`, whose challenge names these scopes and those
 * that the route requires anyway (RFC 6750 §3.1). Throw it before the response has started.
 *
 * ```ts
 * if (!user.scopes.includes('cats:write')) throw insufficientScope('cats:write');
 * ```
 *
 * @throws {ConfigurationError} for a text that is no scope (RFC 6749 §3.3).
 */
export function insufficientScope(scope: string, ...others: readonly string[]): RefusalError {
  const scopes = [...new Set([scope, ...others])];
  if (!scopes.every(isScope)) {
    throw new ConfigurationError('insufficientScope', 'one of its arguments is no scope', 'Write each scope by itself');
  }
  return RefusalError.scopes(scopes, `The handler requires scopes: ${scopes.join(', ')}`);
}

/** RFC 6749 §3.3: a scope has no blanks, quotes or backslashes. */
export function isScope(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value);
}

function readImplied(where: string, scope: string, given: unknown): readonly string[] {
  const implied: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (isScope(scope) && implied.every(isScope)) return implied;
  throw new ConfigurationError(
    where,
    'scopes, each with a list of the scopes that it includes, are expected',
    "Write { admin: ['read', 'write'] }; a scope has no blanks, quotes and backslashes",
  );
}

/** @param way the scopes that led to this one, from the first to the last */
function followAll(
  where: string,
  scope: string,
  direct: ReadonlyMap<string, readonly string[]>,
  way: readonly string[],
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const next of direct.get(scope) ?? []) {
    if (way.includes(next)) {
      const problem = `a scope includes itself: ${[...way, next].join(' includes ')}`;
      throw new ConfigurationError(where, problem, 'Let only the broader scope include the narrower one');
    }
    found.add(next);
    for (const further of followAll(where, next, direct, [...way, next])) found.add(further);
  }
  return found;
}
