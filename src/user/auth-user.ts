import type { JsonObject } from '../token/json-object.js';

/**
 * The kind of issuer that a user comes from. `'oidc'` stands for all that publish their keys as OpenID Connect and
 * OAuth 2 issuers do, whichever preset described them: the issuer itself tells them apart.
 */
export type ProviderName = 'stack-auth' | 'propel-auth' | 'oidc' | 'jwt' | 'own' | 'api-key';

/**
 * The caller, as the verified token describes them. Scalars that the token does not have are `null`,
 * lists `[]`. Frozen, lists and claims all the way down. The raw token is not a property, so that returning
 * or logging a user never shows it; `tokenOf(user)` gives it.
 */
export interface AuthUser {
  /** The issuer's name of the user; unique within the issuer, not beyond. */
  readonly id: string;
  /** The exact `iss` of the token. */
  readonly issuer: string;
  readonly provider: ProviderName;
  readonly isAnonymous: boolean;
  readonly email: string | null;
  /** Whether the issuer says that the e-mail address is the user's; `null` when it does not say. */
  readonly emailVerified: boolean | null;
  readonly name: string | null;
  readonly sessionId: string | null;
  /** The application that the token was issued to, as `RevocationService.revokeClient` names it (RFC 9068 §2.2 `client_id`, or `azp`). */
  readonly clientId: string | null;
  /** The person who acts as this user, where support staff does so; `null` for the user themselves. */
  readonly impersonatorId: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly organizations: readonly Organization[];
  /** The whole payload, as the issuer signed it. */
  readonly claims: JsonObject;
  /** When the credential expires; `null` for one that does not expire, such as an API key without an expiry. */
  readonly expiresAt: Date | null;
  /** The credential that the caller presented. */
  readonly credential: UserCredential;
}

/** What a caller was authenticated by. It never contains the credential itself. */
export interface UserCredential {
  /** `'access-token'`, `'api-key'`, or the kind of a scheme that the app has added. */
  readonly kind: 'access-token' | 'api-key' | (string & {});
  /** The token's `jti` or the key's id; `null` for a token without `jti`. */
  readonly id: string | null;
  /** The HTTP authentication scheme that it was presented with. */
  readonly scheme: 'Bearer' | 'DPoP' | 'Basic';
}

/** An organization (team, tenant) that the token says the user is a member of. */
export interface Organization {
  readonly id: string;
  readonly name: string | null;
  /** The name as it stands in addresses. */
  readonly slug: string | null;
  /** Every role that the user holds in it: where roles include others, those too. */
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  /**
   * The roles that were assigned to the user by name, where the issuer's roles include others: an owner who is
   * thereby a member too has `['Owner']` here, and `['Owner', 'Member']` in `roles`. Left out where the
   * issuer's roles have no order. Not enumerable, so that an organization that is returned or logged looks the same whoever issued it.
   */
  readonly assignedRoles?: readonly string[];
}

/** The same organization, with the roles among `roles` that were assigned by name. */
export function withAssignedRoles(organization: Organization, assignedRoles: readonly string[]): Organization {
  return Object.defineProperty({ ...organization }, 'assignedRoles', { value: Object.freeze([...assignedRoles]) });
}

/** The roles that count where one exact role is asked for; where "at least" is asked, all of `roles` do. */
export function assignedRolesOf(organization: Organization): readonly string[] {
  return organization.assignedRoles ?? organization.roles;
}
