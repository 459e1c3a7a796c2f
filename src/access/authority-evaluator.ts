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

/**
 * Decides about a requirement of scopes, roles or permissions.
 *
 * @param all all requirements of the route: a challenge names the scopes that all of them need, not only those of this one
 */
export function decideAuthorities(
  requirement: AuthorityRequirement,
  held: GrantedAuthorities,
  all: readonly Requirement[],
): Decision {
  if (isSatisfied(requirement, held.values)) return granted;
  const explanation = `It requires ${nameOf(requirement)}; ${held.place()}, has ${logText(held.values)}`;
  if (requirement.kind !== 'scopes') return denied(explanation);
  return { kind: 'refused', refusal: RefusalError.scopes(scopesToRequest(all, held.values), explanation) };
}

function isSatisfied({ match, values }: AuthorityRequirement, held: readonly string[]): boolean {
  return match === 'all' ? values.every((value) => held.includes(value)) : values.some((value) => held.includes(value));
}

/**
 * The scopes of a token that would satisfy every requirement, for the `scope` of the challenge (RFC 6750 §3). Of a requirement
 * that any one scope satisfies, those that the token already has are named; if it has none of them, all are named.
 */
function scopesToRequest(all: readonly Requirement[], held: readonly string[]): readonly string[] {
  const named = all.filter(isScopeRequirement).flatMap(({ match, values }) => {
    const alreadyHeld = match === 'any' ? values.filter((value) => held.includes(value)) : [];
    return alreadyHeld.length > 0 ? alreadyHeld : values;
  });
  return [...new Set(named)];
}

function isScopeRequirement(requirement: Requirement): requirement is ScopeRequirement {
  return requirement.kind === 'scopes';
}
