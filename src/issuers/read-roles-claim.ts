import { type GivenOptions, path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import { readListClaim, readObjectClaim, readTextClaim, type ClaimMap, type MappedClaims } from '../user/claim-map.js';

/** The claim with the roles that the issuer was configured to add to its tokens. */
export interface RolesClaimOptions {
  /**
   * The name of your own claim with roles, a list or a single role, which are added to `user.roles`:
   * `'https://shop.example/roles'`. A list of names leads into objects: `['app_metadata', 'roles']`. Never use a claim
   * that users can write themselves.
   */
  readonly rolesClaim?: string | readonly string[];
}

/** Reads roles from claims. */
export type ReadRoles = (claims: JsonObject) => readonly string[];

/** @throws {ConfigurationError} for a wrong value. */
export function readRolesClaim(where: string, options: GivenOptions): ReadRoles | undefined {
  const given = options['rolesClaim'];
  if (given === undefined) return undefined;
  const names: readonly unknown[] = [given].flat();
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name !== '')) {
    throw new ConfigurationError(
      path(where, 'rolesClaim'),
      'a text or a list of texts is expected',
      'Write the name of the claim, or the names that lead to it',
    );
  }
  return (claims) => readAt(claims, names as readonly string[]);
}

/** Adds roles to what a claim map returns. */
export function withRoles(map: ClaimMap['map'], readRoles: ReadRoles | undefined): ClaimMap['map'] {
  if (readRoles === undefined) return map;
  return (claims) => addRoles(map(claims), readRoles(claims));
}

/** Adds roles to the claims of a user. */
export function addRoles(mapped: MappedClaims, roles: readonly string[]): MappedClaims {
  return { ...mapped, roles: [...new Set([...mapped.roles, ...roles])] };
}

function readAt(claims: JsonObject, names: readonly string[]): readonly string[] {
  let holder: JsonObject | null = claims;
  for (const name of names.slice(0, -1)) holder = holder === null ? null : readObjectClaim(holder, name);
  const last = names.at(-1);
  if (holder === null || last === undefined) return [];
  const single = readTextClaim(holder, last);
  return single === null ? readListClaim(holder, last) : [single];
}
