import type { JsonObject } from '../../token/json-object.js';
import {
  readListClaim,
  readObjectClaim,
  readTextClaim,
  mapStandardClaims,
  type MappedClaims,
} from '../../user/claim-map.js';
import { type Organization, withAssignedRoles } from '../../user/auth-user.js';

/** Reads a PropelAuth token, which contains all organizations of the user or only the active one. */
export function mapPropelAuthClaims(claims: JsonObject): MappedClaims {
  return {
    ...mapStandardClaims(claims),
    id: readTextClaim(claims, 'user_id') ?? '',
    name: readName(claims),
    impersonatorId: readTextClaim(claims, 'impersonator_user_id'),
    // Roles and permissions apply within an organization only.
    roles: [],
    permissions: [],
    organizations: readOrganizations(claims),
  };
}

/** The name of a user in a token, or in an answer of the API. */
export function readName(claims: JsonObject): string | null {
  const names = [readTextClaim(claims, 'first_name'), readTextClaim(claims, 'last_name')].filter(
    (name) => name !== null,
  );
  return names.length > 0 ? names.join(' ') : readTextClaim(claims, 'username');
}

function readOrganizations(claims: JsonObject): readonly Organization[] {
  const active = readObjectClaim(claims, 'org_member_info');
  if (active !== null) return toOrganization(active, null);
  return readAll(readObjectClaim(claims, 'org_id_to_org_member_info') ?? {});
}

/** The organizations of a user in the answers of the API, which have another name there than in tokens. */
export function readOrganizationsOfUser(user: JsonObject): readonly Organization[] {
  return readAll(readObjectClaim(user, 'org_id_to_org_info') ?? {});
}

function readAll(all: JsonObject): readonly Organization[] {
  return Object.keys(all).flatMap((id) => toOrganization(readObjectClaim(all, id), id));
}

/** @param key the id, where the member info does not state it */
export function toOrganization(info: JsonObject | null, key: string | null): readonly Organization[] {
  const id = info === null ? null : (readTextClaim(info, 'org_id') ?? key);
  if (info === null || id === null) return [];
  const { assigned, included } = readRoles(info);
  const organization: Organization = {
    id,
    name: readTextClaim(info, 'org_name'),
    slug: readTextClaim(info, 'url_safe_org_name'),
    roles: [...new Set([...assigned, ...included])],
    permissions: readListClaim(info, 'user_permissions'),
  };
  return [withAssignedRoles(organization, assigned)];
}

/**
 * One role is assigned, which includes the roles below it; or, when roles have no order, one role and additional ones. Old
 * tokens name one role only.
 */
function readRoles(info: JsonObject): { readonly assigned: readonly string[]; readonly included: readonly string[] } {
  const role = readTextClaim(info, 'user_role');
  const own = role === null ? [] : [role];
  if (info['org_role_structure'] !== 'multi_role') {
    return { assigned: own, included: readListClaim(info, 'inherited_user_roles_plus_current_role') };
  }
  return { assigned: [...new Set([...own, ...readListClaim(info, 'additional_roles')])], included: [] };
}
