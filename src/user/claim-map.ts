import type { JsonObject } from '../token/json-object.js';
import type { AuthUser, ProviderName, Organization } from './auth-user.js';

/** The properties of a user that a claim map reads from the claims. The others are the same for all issuers. */
export type MappedClaims = Omit<
  AuthUser,
  'issuer' | 'provider' | 'claims' | 'expiresAt' | 'credential' | 'clientId'
> & {
  /** @defaultValue null */
  readonly clientId?: string | null;
};

/** Maps the claims of an issuer's tokens to an `AuthUser`. It makes no decisions and never throws. */
export interface ClaimMap {
  readonly provider: ProviderName;
  readonly map: (claims: JsonObject) => MappedClaims;
}

const noOrganizations: readonly Organization[] = Object.freeze([]);

/**
 * Maps the standard claims of OpenID Connect Core §5.1 and RFC 9068 §2.2: `sub`, `email`, `name`, `sid`, `client_id`
 * (or `azp`), `scope` (or `scp`), `roles`, `permissions`.
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
    organizations: noOrganizations,
  };
}

/** Reads an own property, because properties that every object inherits are not in the token. */
function valueOf(claims: JsonObject, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** Reads a non-empty text; `null` for anything else. */
export function readTextClaim(claims: JsonObject, name: string): string | null {
  const value = valueOf(claims, name);
  return typeof value === 'string' && value !== '' ? value : null;
}

export function readBooleanClaim(claims: JsonObject, name: string): boolean | null {
  const value = valueOf(claims, name);
  return typeof value === 'boolean' ? value : null;
}

/** Reads the texts of a list, without copying a list that contains only texts; `[]` for anything else. */
export function readListClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  if (!Array.isArray(value)) return noTexts;
  return value.every(isText) ? value : value.filter(isText);
}

const noTexts: readonly string[] = Object.freeze([]);

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Reads a list of texts, or a space-separated text (the form of `scope`, RFC 6749 §3.3). */
export function readWordsClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  if (!isText(value)) return readListClaim(claims, name);
  const words = value.split(' ');
  return words.includes('') ? words.filter((word) => word !== '') : words;
}

/** Reads an object; `null` for anything else. */
export function readObjectClaim(claims: JsonObject, name: string): JsonObject | null {
  const value = valueOf(claims, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
