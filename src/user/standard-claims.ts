import type { JsonObject } from '../token/json-object.js';
import type { MappedClaims } from './claim-map.js';
import type { Organization } from './organization.js';
import { readBooleanClaim, readListClaim, readTextClaim, readWordsClaim } from './read-claim.js';

const nowhere: readonly Organization[] = Object.freeze([]);

/**
 * The claims of OpenID Connect Core §5.1 and RFC 9068 §2.2, under their standard names: `sub`, `email`,
 * `name`, `sid`, `scope` (or `scp`), `roles`, `permissions`.
 */
export function mapStandardClaims(claims: JsonObject): MappedClaims {
  return {
    id: readTextClaim(claims, 'sub') ?? '',
    isAnonymous: false,
    email: readTextClaim(claims, 'email'),
    emailVerified: readBooleanClaim(claims, 'email_verified'),
    name: readTextClaim(claims, 'name'),
    sessionId: readTextClaim(claims, 'sid'),
    impersonatorId: null,
    roles: readListClaim(claims, 'roles'),
    scopes: readWordsClaim(claims, claims['scope'] === undefined ? 'scp' : 'scope'),
    permissions: readListClaim(claims, 'permissions'),
    organizations: nowhere,
  };
}
