/** A verified user, as the guard makes them: the parts that a test is about are its to say. */
import { toVerifiedToken } from '../../src/token/verified-token.js';
import type { MappedClaims } from '../../src/user/claim-map.js';
import type { AuthUser, ProviderName } from '../../src/user/auth-user.js';
import { toAuthUser } from '../../src/user/verified-user.js';

/** Stands for the token: found in a log line, it has leaked. */
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
