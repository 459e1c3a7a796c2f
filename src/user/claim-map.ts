import type { JsonObject } from '../token/json-object.js';
import type { AuthUser, ProviderName, Organization } from './auth-user.js';

/** What a claim map reads out of the claims: everything about a user that is not the same for all issuers. */
export type MappedClaims = Omit<
  AuthUser,
  'issuer' | 'provider' | 'claims' | 'expiresAt' | 'credential' | 'clientId'
> & {
  /** Left out, it is `null`. */
  readonly clientId?: string | null;
};

/** Where an issuer's tokens keep what an `AuthUser` has. Reads only, decides nothing, never throws. */
export interface ClaimMap {
  readonly provider: ProviderName;
  readonly map: (claims: JsonObject) => MappedClaims;
}

const nowhere: readonly Organization[] = Object.freeze([]);

/**
 * The claims of OpenID Connect Core §5.1 and RFC 9068 §2.2, under their standard names: `sub`, `email`,
 * `name`, `sid`, `client_id` (or `azp`), `scope` (or `scp`), `roles`, `permissions`.
 */
export function mapStandardClaims(claims: JsonObject): MappedClaims {
  return {
    id: readTextClaim(claims, 'sub') ?? '',
    isAnonymous: false,
    email: readTextClaim(claims, 'email'),
    emailVerified: readBooleanClaim(claims, 'email_verified'),
    name: readTextClaim(claims, 'name'),
    sessionId: readTextClaim(claims, 'sid'),
    clientId: readTextClaim(claims, 'client_id') ?? readTextClaim(claims, 'azp'),
    impersonatorId: null,
    roles: readListClaim(claims, 'roles'),
    scopes: readWordsClaim(claims, claims['scope'] === undefined ? 'scp' : 'scope'),
    permissions: readListClaim(claims, 'permissions'),
    organizations: nowhere,
  };
}

/** A claim by its own name; what every object inherits is not in the token. */
function valueOf(claims: JsonObject, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** A text that is not empty, else `null`. */
export function readTextClaim(claims: JsonObject, name: string): string | null {
  const value = valueOf(claims, name);
  return typeof value === 'string' && value !== '' ? value : null;
}

export function readBooleanClaim(claims: JsonObject, name: string): boolean | null {
  const value = valueOf(claims, name);
  return typeof value === 'boolean' ? value : null;
}

/** The texts of a list: the list itself where there is nothing else in it; `[]` for anything that is not a list. */
export function readListClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  if (!Array.isArray(value)) return nothing;
  return value.every(isText) ? value : value.filter(isText);
}

const nothing: readonly string[] = Object.freeze([]);

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** A list, or texts in one text with spaces between (the form of `scope`, RFC 6749 §3.3). */
export function readWordsClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  if (!isText(value)) return readListClaim(claims, name);
  const words = value.split(' ');
  return words.includes('') ? words.filter((word) => word !== '') : words;
}

/** An object within the claims, by its own members; `null` for anything else. */
export function readObjectClaim(claims: JsonObject, name: string): JsonObject | null {
  const value = valueOf(claims, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
