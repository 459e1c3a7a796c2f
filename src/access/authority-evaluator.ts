import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { AuthUser } from '../user/auth-user.js';
import type { PermissionSource } from './issuer-permissions.js';
import { type Decision, denied, granted } from './decision.js';
import {
  type AuthorityKind,
  type AuthorityRequirement,
  nameOf,
  type Requirement,
  type ScopeRequirement,
} from './requirement.js';

/**
 * Says where something was looked for, for the log: `user.roles, from the claim map of issuer "https://…"`. Asked only when somebody
 * is refused.
 */
export type DescribePlace = () => string;

/** A list of what a user has. */
export interface GrantedAuthorities {
  readonly values: readonly string[];
  readonly place: DescribePlace;
}

/** What the token says that its user has. */
export function authoritiesInToken(user: AuthUser, kind: AuthorityKind): GrantedAuthorities {
  return { values: listOf(user[kind]), place: () => placeInToken(user, kind) };
}

/** What the issuer was asked for, and has said. */
export function authoritiesFromSource(
  values: readonly string[],
  kind: AuthorityKind,
  source: PermissionSource,
): GrantedAuthorities {
  return { values, place: () => placeElsewhere(kind, source) };
}

/** How the log names a list of the user's that was asked for. */
export function placeElsewhere(list: AuthorityKind | 'organizations', { name }: PermissionSource): string {
  return `the user's ${list}, asked of ${name}`;
}

/** How the log names a list of the user's that the issuer's claim map has filled. */
export function placeInToken({ issuer }: AuthUser, list: AuthorityKind | 'organizations'): string {
  return `user.${list}, from the claim map of issuer ${logText(issuer)}`;
}

/** An app may make its users by hand, and of a text `includes` would find parts. */
export function listOf<Member>(list: readonly Member[]): readonly Member[] {
  const given: unknown = list;
  return Array.isArray(given) ? list : [];
}

/** Decides by what the user has. `all` is everything that the route requires, for a challenge that names it at once. */
export function decideAuthorities(
  requirement: AuthorityRequirement,
  held: GrantedAuthorities,
  all: readonly Requirement[],
): Decision {
  if (hasThem(requirement, held.values)) return granted;
  const explanation = `It requires ${nameOf(requirement)}; ${held.place()}, has ${logText(held.values)}`;
  if (requirement.kind !== 'scopes') return denied(explanation);
  return { kind: 'refused', refusal: RefusalError.scopes(scopesToAskFor(all, held.values), explanation) };
}

function hasThem({ match, values }: AuthorityRequirement, held: readonly string[]): boolean {
  return match === 'all' ? values.every((value) => held.includes(value)) : values.some((value) => held.includes(value));
}

/**
 * The scopes of a token that would pass every demand: RFC 6750 §3.1 has the challenge name what is needed. Of several
 * that do equally well those which the client holds are enough; where it holds none, all are named.
 */
function scopesToAskFor(all: readonly Requirement[], held: readonly string[]): readonly string[] {
  const named = all.filter(isScopeRequirement).flatMap(({ match, values }) => {
    const kept = match === 'any' ? values.filter((value) => held.includes(value)) : [];
    return kept.length > 0 ? kept : values;
  });
  return [...new Set(named)];
}

function isScopeRequirement(requirement: Requirement): requirement is ScopeRequirement {
  return requirement.kind === 'scopes';
}
