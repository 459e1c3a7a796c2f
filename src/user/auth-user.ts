import type { JsonObject } from '../token/json-object.js';
import type { Organization } from './organization.js';

/**
 * The kind of issuer that a user comes from. `'oidc'` stands for all that publish their keys as OpenID Connect and
 * OAuth 2 issuers do, whichever preset described them: the issuer itself tells them apart.
 */
export type ProviderName = 'stack-auth' | 'propel-auth' | 'oidc' | 'jwt';

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
  /** The person who acts as this user, where support staff does so; `null` for the user themselves. */
  readonly impersonatorId: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly organizations: readonly Organization[];
  /** The whole payload, as the issuer signed it. */
  readonly claims: JsonObject;
  /** When the token ends. */
  readonly expiresAt: Date;
}
