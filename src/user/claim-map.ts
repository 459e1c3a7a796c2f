import type { JsonObject } from '../token/json-object.js';
import type { AuthUser, ProviderName } from './auth-user.js';

/** What a claim map reads out of the claims: everything about a user that is not the same for all issuers. */
export type MappedClaims = Omit<AuthUser, 'issuer' | 'provider' | 'claims' | 'expiresAt'>;

/** Where an issuer's tokens keep what an `AuthUser` has. Reads only, decides nothing, never throws. */
export interface ClaimMap {
  readonly provider: ProviderName;
  readonly map: (claims: JsonObject) => MappedClaims;
}
