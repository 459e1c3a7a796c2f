import { isAuthError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import { type ParsedToken, parseToken } from '../../token/parse-token.js';
import { readObjectClaim, readTextClaim, mapStandardClaims, type MappedClaims } from '../../user/claim-map.js';

/** The three kinds of users, each with an issuer, an audience and keys of its own. */
export type UserKind = 'normal' | 'restricted' | 'anonymous';

/** Reads the claims of current servers, and of those before September 2025, which wrote some of them in camelCase. */
export function mapStackAuthClaims(claims: JsonObject): MappedClaims {
  return {
    ...mapStandardClaims(claims),
    isAnonymous: isAnonymous(claims),
    sessionId: readTextClaim(claims, 'refresh_token_id') ?? readTextClaim(claims, 'refreshTokenId'),
    // "role" is the same for all users, and "selected_team_id" is a preference that proves no membership.
    roles: [],
    scopes: [],
    permissions: [],
    organizations: [],
  };
}

/** What the claims of an access token state. */
export type StackAuthClaims = MappedClaims & { readonly issuer: string; readonly expiresAt: Date };

/** What the claims of an access token of Stack Auth state. They are not verified here. */
export function readStackAuthClaims(text: string): StackAuthClaims | null {
  const parsed = findParsed(text);
  if (parsed === null) return null;
  const { exp } = parsed.claims;
  const mapped = mapStackAuthClaims(parsed.claims);
  if (mapped.id === '' || typeof exp !== 'number' || !Number.isFinite(exp)) return null;
  return { ...mapped, issuer: readTextClaim(parsed.claims, 'iss') ?? '', expiresAt: new Date(exp * 1_000) };
}

/** `null` for a text that is no token. */
export function findParsed(text: string): ParsedToken | null {
  try {
    return parseToken(text);
  } catch (error) {
    if (isAuthError(error)) return null;
    throw error;
  }
}

/**
 * Why the claims contradict the kind of user that issuer and audience state, or the project; `undefined` when they do not.
 * Genuine servers never issue such a token.
 */
export function findFaultOfKind(kind: UserKind, projectId: string, claims: JsonObject): string | undefined {
  const { project_id: project = projectId, branch_id: branch = 'main', branchId: oldBranch = 'main' } = claims;
  if (project !== projectId) return 'Its "project_id" is another project than the one of its issuer';
  if (branch !== 'main' || oldBranch !== 'main') return 'Its "branch_id" is not "main"';
  return kindOf(claims) === kind ? undefined : `Its flags contradict its issuer, which is the one of ${kind} users`;
}

/** `undefined` when the flags contradict each other. */
function kindOf(claims: JsonObject): UserKind | undefined {
  const anonymous = isAnonymous(claims);
  // Before January 2026 only anonymous users were restricted, and there was no flag for it.
  const { is_anonymous: flag = anonymous, is_restricted: restricted = anonymous } = claims;
  if (typeof flag !== 'boolean' || typeof restricted !== 'boolean') return undefined;
  if (anonymous ? !restricted : claims['role'] === 'anon') return undefined;
  const kind = anonymous ? 'anonymous' : restricted ? 'restricted' : 'normal';
  return reasonFits(kind, claims) ? kind : undefined;
}

function reasonFits(kind: UserKind, claims: JsonObject): boolean {
  const reason = readObjectClaim(claims, 'restricted_reason');
  const type = reason === null ? null : readTextClaim(reason, 'type');
  switch (kind) {
    case 'normal':
      return (claims['restricted_reason'] ?? null) === null;
    case 'restricted':
      return type !== 'anonymous';
    case 'anonymous':
      return type === null || type === 'anonymous';
  }
}

function isAnonymous(claims: JsonObject): boolean {
  const flag = claims['is_anonymous'];
  // Before there was a flag, "role" stated it; since then it is "authenticated" for all users.
  return flag === undefined ? claims['role'] === 'anon' : flag === true;
}

/** How to accept users of this kind. */
export function hintForKind(kind: Exclude<UserKind, 'normal'>): string {
  const option = kind === 'anonymous' ? 'allowAnonymous' : 'allowRestricted';
  return `It is the token of ${kind === 'anonymous' ? 'an anonymous' : 'a restricted'} user. To accept such users, set stackAuth({ ${option}: true })`;
}
