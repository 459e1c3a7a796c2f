import { logText } from '../telemetry/log-text.js';
import type { AuthUser } from '../user/auth-user.js';
import { assignedRolesOf, type Organization } from '../user/organization.js';
import { listOf, type DescribePlace, placeInToken } from './authority-evaluator.js';
import { type Decision, denied, granted } from './decision.js';
import { nameOf, type OrganizationRequirement } from './requirement.js';

/** What is known of a user's organizations. */
export interface HeldOrganizations {
  readonly organizations: readonly Organization[];
  readonly place: DescribePlace;
}

/** The organizations that the token names. */
export function organizationsInToken(user: AuthUser): HeldOrganizations {
  return { organizations: listOf(user.organizations), place: () => placeInToken(user, 'organizations') };
}

/** A membership, or why there is none. */
export type FoundOrganization =
  | { readonly kind: 'found'; readonly organization: Organization }
  | Extract<Decision, { kind: 'refused' }>;

/** Decides by the organizations that the user is known to be in. `named` is what the call says. */
export function decideOrganization(
  requirement: OrganizationRequirement,
  named: string,
  held: HeldOrganizations,
): Decision {
  const found = findOrganization(requirement, named, held);
  return found.kind === 'found' ? decideWithin(requirement, found.organization, held.place) : found;
}

/** The one organization of the user's that the call names. */
export function findOrganization(
  requirement: OrganizationRequirement,
  named: string,
  held: HeldOrganizations,
): FoundOrganization {
  const { by } = requirement;
  const fitting = held.organizations.filter((organization) => organization[by] === named);
  const [organization] = fitting;
  // Only ids are unique by nature: whoever may name an organization can give it the name of another.
  if (organization !== undefined && fitting.length === 1) return { kind: 'found', organization };
  const has =
    organization === undefined
      ? `the ${by}s ${logText(held.organizations.map((one) => one[by]))}`
      : `several of this ${by}: ask by another name of theirs`;
  return denied(`It demands ${nameOf(requirement)}; the call names ${logText(named)}, and ${held.place()}, has ${has}`);
}

/** Decides by what the user holds in an organization that they are in. */
export function decideWithin(
  requirement: OrganizationRequirement,
  organization: Organization,
  place: DescribePlace,
): Decision {
  const lack = findLack(requirement, organization);
  if (lack === null) return granted;
  const named = logText(organization[requirement.by]);
  return denied(`It demands ${nameOf(requirement)}; the call names ${named}, where ${place()}, has ${lack}`);
}

/** What the user has in the organization in place of what is demanded; `null` when nothing is wanting. */
function findLack(
  { role, minimumRole, permissions }: OrganizationRequirement,
  organization: Organization,
): string | null {
  const assigned = listOf(assignedRolesOf(organization));
  if (role !== null && !assigned.includes(role)) return `the assigned roles ${logText(assigned)}`;
  if (minimumRole !== null && organization.assignedRoles === undefined) {
    return `roles without an order, so that "at least" cannot be decided: ask for the exact role`;
  }
  const roles = listOf(organization.roles);
  if (minimumRole !== null && !roles.includes(minimumRole)) return `the roles ${logText(roles)}`;
  const held = listOf(organization.permissions);
  return permissions.every((permission) => held.includes(permission)) ? null : `the permissions ${logText(held)}`;
}
