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
