import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { AuthUser } from '../user/auth-user.js';
import { type Decision, denied, granted } from './decision.js';
import type { PermissionSource } from './issuer-permissions.js';
import {
  type AuthorityKind,
  type AuthorityRequirement,
  nameOf,
  type Requirement,
  type ScopeRequirement,
} from './requirement.js';
import { ScopeHierarchy } from './scope-hierarchy.js';

/**
 * Describes for the log where a list of the user was read: `user.roles, read from the token of issuer "https://…"`. A function,
 * because the text is needed only for a refusal.
 */
export type DescribePlace = () => string;

/** The scopes, roles or permissions of a user, and where they were read. */
export interface GrantedAuthorities {
  readonly values: readonly string[];
  readonly place: DescribePlace;
}

/** The authorities that the claim map has read from the token. */
export function authoritiesInToken(user: AuthUser, kind: AuthorityKind): GrantedAuthorities {
  return { values: listOrEmpty(user[kind]), place: () => placeInToken(user, kind) };
}

/** The authorities that a permission source has returned. */
export function authoritiesFromSource(
  values: readonly string[],
  kind: AuthorityKind,
  source: PermissionSource,
): GrantedAuthorities {
  return { values, place: () => placeInSource(kind, source) };
}

/** The text of `DescribePlace` for a list that was requested from a permission source. */
export function placeInSource(list: AuthorityKind | 'organizations', { name }: PermissionSource): string {
  return `the user's ${list}, requested from ${name}`;
}

/** The text of `DescribePlace` for a list that the claim map has read from the token. */
export function placeInToken({ issuer }: AuthUser, list: AuthorityKind | 'organizations'): string {
  return `user.${list}, read from the token of issuer ${logText(issuer)}`;
}

/**
 * The list itself, or an empty one for any other value. An app may create users by hand, and `includes` of a string would
 * match substrings.
 */
export function listOrEmpty<Member>(list: readonly Member[]): readonly Member[] {
  const given: unknown = list;
  return Array.isArray(given) ? list : [];
}

const flatScopes = new ScopeHierarchy();

/**
 * Decides about a requirement of scopes, roles or permissions.
 *
 * @param all all requirements of the route: a challenge names the scopes that all of them need, not only those of this one
 * @param hierarchy the scopes that include others. @defaultValue none do
 */
export function decideAuthorities(
  requirement: AuthorityRequirement,
  held: GrantedAuthorities,
  all: readonly Requirement[],
  hierarchy: ScopeHierarchy = flatScopes,
): Decision {
  const isScope = requirement.kind === 'scopes';
  const has = (value: string): boolean =>
    isScope ? hierarchy.grants(held.values, value) : held.values.includes(value);
  const { match, values } = requirement;
  if (match === 'all' ? values.every(has) : values.some(has)) return granted;
  const explanation = `It requires ${nameOf(requirement)}; ${held.place()}, has ${logText(held.values)}`;
  if (!isScope) return denied(explanation);
  return { kind: 'refused', refusal: RefusalError.scopes(scopesToRequest(all, has), explanation) };
}

/** The scopes of a token that would satisfy every requirement, for a client that has none of them. */
export function scopesOf(all: readonly Requirement[]): readonly string[] {
  return scopesToRequest(all, () => false);
}

/**
 * The scopes of a token that would satisfy every requirement, for the `scope` of the challenge (RFC 6750 §3). Of a requirement
 * that any one scope satisfies, those that the token already has are named; if it has none of them, all are named.
 */
function scopesToRequest(all: readonly Requirement[], has: (scope: string) => boolean): readonly string[] {
  const named = all.filter(isScopeRequirement).flatMap(({ match, values }) => {
    const alreadyHeld = match === 'any' ? values.filter(has) : [];
    return alreadyHeld.length > 0 ? alreadyHeld : values;
  });
  return [...new Set(named)];
}

function isScopeRequirement(requirement: Requirement): requirement is ScopeRequirement {
  return requirement.kind === 'scopes';
}
