import { logText } from '../telemetry/log-text.js';
import type { CallContext } from '../access/guard-context.js';
import { assignedRolesOf, type AuthUser, type Organization } from '../user/auth-user.js';
import type { AppRules } from './app-rules.js';
import { listOf, placeElsewhere, placeInToken, type DescribePlace } from './authority-evaluator.js';
import { denied, granted, type Decision } from './decision.js';
import type { GuardContext } from './guard-context.js';
import type { PermissionSource, PermissionSources } from './issuer-permissions.js';
import { nameOf, type OrganizationRequirement } from './requirement.js';

/** Finds out which organization a call is about, and decides by the user's part in it. */
export class OrganizationEvaluator {
  constructor(
    private readonly rules: AppRules,
    private readonly sources: PermissionSources,
  ) {}

  decide(
    requirement: OrganizationRequirement,
    guardContext: GuardContext,
    user: AuthUser,
  ): Decision | Promise<Decision> {
    const { from } = requirement;
    if ('param' in from) {
      const value = guardContext.transport.findParameter?.(guardContext.context, from.param);
      return this.decideIn(value, requirement, user, `there is no route parameter "${from.param}"`);
    }
    return this.rules.ask({
      name: '@RequireOrganization({ id })',
      guardContext,
      user,
      ask: () => (from.find as (context: CallContext) => unknown)(guardContext.context),
      judge: (answer) => this.decideIn(answer, requirement, user, 'id() gave none'),
    });
  }

  /** Of several values, or none, anonymousCaller can tell which organization is meant. */
  private decideIn(
    named: unknown,
    requirement: OrganizationRequirement,
    user: AuthUser,
    otherwise: string,
  ): Decision | Promise<Decision> {
    if (typeof named === 'string' && named !== '') {
      const source = this.sources.find(user);
      if (source !== undefined) return decideByAsking(requirement, named, user, source);
      return decideOrganization(requirement, named, organizationsInToken(user));
    }
    return denied(
      `It requires ${nameOf(requirement)}, and the call names none: ${otherwise}. ` +
        'Name the parameter with @RequireOrganization({ param }), or give id(context)',
    );
  }
}

/** Permissions are asked for only where some are demanded, and of members only. */
async function decideByAsking(
  requirement: OrganizationRequirement,
  named: string,
  user: AuthUser,
  source: PermissionSource,
): Promise<Decision> {
  const place: DescribePlace = () => placeElsewhere('organizations', source);
  const found = findOrganization(requirement, named, { organizations: await source.organizationsOf(user), place });
  if (found.kind === 'refused') return found;
  const { organization } = found;
  if (requirement.permissions.length === 0) return decideWithin(requirement, organization, place);
  const permissions = await source.permissionsIn(user, organization.id);
  return decideWithin(requirement, { ...organization, permissions }, place);
}

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
type FoundOrganization =
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
function findOrganization(
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
  return denied(
    `It requires ${nameOf(requirement)}; the call names ${logText(named)}, and ${held.place()}, has ${has}`,
  );
}

/** Decides by what the user holds in an organization that they are in. */
function decideWithin(
  requirement: OrganizationRequirement,
  organization: Organization,
  place: DescribePlace,
): Decision {
  const lack = findLack(requirement, organization);
  if (lack === null) return granted;
  const named = logText(organization[requirement.by]);
  return denied(`It requires ${nameOf(requirement)}; the call names ${named}, where ${place()}, has ${lack}`);
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
