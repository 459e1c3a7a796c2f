/** A verified user as the guard creates it, with the properties that a test needs. */
import { toVerifiedToken } from '../../src/token/verified-token.js';
import type { MappedClaims } from '../../src/user/claim-map.js';
import type { AuthUser, ProviderName } from '../../src/user/auth-user.js';
import { toAuthUser } from '../../src/user/verified-user.js';

/** The token of that user. A log line must never contain it. */
const someToken = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';

export function someUser(parts: Partial<MappedClaims> = {}, provider: ProviderName = 'oidc'): AuthUser {
  const claims = { sub: 'alice', iss: 'https://issuer.example', exp: 1_900_000_000 };
  const token = toVerifiedToken(claims.iss, { alg: 'ES256' }, claims);
  const mapped: MappedClaims = {
    id: claims.sub,
    isAnonymous: false,
    email: null,
    emailVerified: null,
    name: null,
    sessionId: null,
    impersonatorId: null,
    roles: [],
    scopes: [],
    permissions: [],
    organizations: [],
    ...parts,
  };
  return toAuthUser(someToken, token, { provider, map: () => mapped });
}
