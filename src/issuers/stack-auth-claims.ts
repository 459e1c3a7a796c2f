import type { JsonObject } from '../token/json-object.js';
import type { MappedClaims } from '../user/claim-map.js';
import { readTextClaim } from '../user/read-claim.js';
import { mapStandardClaims } from '../user/standard-claims.js';

/** The three kinds of user, each with an issuer, an audience and keys of its own. */
export type UserKind = 'normal' | 'restricted' | 'anonymous';

/** Reads claims of today's servers and of those before September 2025, which wrote some in camelCase. */
export function mapStackAuthClaims(claims: JsonObject): MappedClaims {
  return {
    ...mapStandardClaims(claims),
    isAnonymous: isAnonymous(claims),
    sessionId: readTextClaim(claims, 'refresh_token_id') ?? readTextClaim(claims, 'refreshTokenId'),
    // "role" says the same for everybody, and "selected_team_id" is a preference that proves no membership.
    roles: [],
    scopes: [],
    permissions: [],
    organizations: [],
  };
}

/**
 * What in the claims contradicts the kind of user that issuer and audience speak of, or the project; the
 * servers never mint such a token.
 */
export function findFaultOfKind(kind: UserKind, projectId: string, claims: JsonObject): string | undefined {
  const { project_id: project = projectId, branch_id: branch = claims['branchId'] ?? 'main' } = claims;
  if (project !== projectId) return 'Its "project_id" is another project than its issuer speaks of';
  if (branch !== 'main') return 'Its "branch_id" is not "main"';
  return kindOf(claims) === kind ? undefined : `Its flags do not go with its issuer, which is that of ${kind} users`;
}

function kindOf(claims: JsonObject): UserKind {
  if (isAnonymous(claims)) return 'anonymous';
  return claims['is_restricted'] === true ? 'restricted' : 'normal';
}

function isAnonymous(claims: JsonObject): boolean {
  const flag = claims['is_anonymous'];
  // Before the flag came, "role" told; since then it is "authenticated" for all.
  return flag === undefined ? claims['role'] === 'anon' : flag === true;
}
