import type { JsonObject } from '../token/json-object.js';

/**
 * The kind of a user's issuer. `'oidc'` is every issuer that publishes its keys by OpenID Connect or OAuth 2,
 * whichever preset describes it; `AuthUser.issuer` distinguishes them.
 */
export type ProviderName = 'stack-auth' | 'propel-auth' | 'oidc' | 'jwt' | 'own' | 'api-key';

/**
 * The caller as the verified token describes them. A missing scalar is `null`, a missing list `[]`. The object is
 * deeply frozen. The raw token is not a property, so that returning or logging a user never reveals it; `tokenOf(user)`
 * returns it.
 */
export interface AuthUser {
  /** The issuer's id of the user, which is unique only within the issuer. */
  readonly id: string;
  /** The exact `iss` of the token. */
  readonly issuer: string;
  readonly provider: ProviderName;
  readonly isAnonymous: boolean;
  readonly email: string | null;
  /** Whether the issuer has verified the e-mail address; `null` when the token does not state it. */
  readonly emailVerified: boolean | null;
  readonly name: string | null;
  readonly sessionId: string | null;
  /**
   * The client that the token was issued to (RFC 9068 §2.2 `client_id`, or `azp`). `RevocationService.revokeClient`
   * accepts it.
   */
  readonly clientId: string | null;
  /** The id of the person who impersonates this user, for example a support agent; `null` otherwise. */
  readonly impersonatorId: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly organizations: readonly Organization[];
  /** All claims of the token; for an introspected token, merged with the claims in the issuer's answer. */
  readonly claims: JsonObject;
  /** When the credential expires; `null` for one that does not expire, such as an API key without an expiry. */
  readonly expiresAt: Date | null;
  /** The credential that the caller presented. */
  readonly credential: UserCredential;
}

/** Describes the credential that authenticated a caller. It never contains the credential itself. */
export interface UserCredential {
  /** `'access-token'`, `'api-key'`, or the kind of a scheme that the app has added. */
  readonly kind: 'access-token' | 'api-key' | (string & {});
  /** The token's `jti` or the key's id; `null` for a token without `jti`. */
  readonly id: string | null;
  /** The HTTP authentication scheme that it was presented with. */
  readonly scheme: 'Bearer' | 'DPoP' | 'Basic';
}

/** An organization (team, tenant) of which the user is a member according to the token. */
export interface Organization {
  readonly id: string;
  readonly name: string | null;
  /** The name for use in URLs. */
  readonly slug: string | null;
  /** Every role that the user has in it, including roles that an assigned role includes. */
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  /**
   * The roles that were assigned to the user by name, where roles of the issuer include others: an owner, who is
   * therefore also a member, has `['Owner']` here and `['Owner', 'Member']` in `roles`. Omitted where the issuer's
   * roles have no order. Not enumerable, so that a returned or logged organization has the same form for all issuers.
   */
  readonly assignedRoles?: readonly string[];
}

/** Copies an organization and adds the roles among `roles` that were assigned by name. */
export function withAssignedRoles(organization: Organization, assignedRoles: readonly string[]): Organization {
  return Object.defineProperty({ ...organization }, 'assignedRoles', { value: Object.freeze([...assignedRoles]) });
}

/** The roles that satisfy a requirement of an exact role. For a minimum role, all of `roles` count. */
export function assignedRolesOf(organization: Organization): readonly string[] {
  return organization.assignedRoles ?? organization.roles;
}
