import { logText } from '../telemetry/log-text.js';
import { assignedRolesOf, type AuthUser, type Organization } from '../user/auth-user.js';
import type { AppRules } from './app-rules.js';
import { listOrEmpty, placeInSource, placeInToken, type DescribePlace } from './authority-evaluator.js';
import { denied, granted, type Decision } from './decision.js';
import type { CallContext, GuardContext } from './guard-context.js';
import type { PermissionSource, PermissionSources } from './issuer-permissions.js';
import { nameOf, type OrganizationRequirement } from './requirement.js';

/** Reads which organization a call is about, and decides by the user's membership, roles and permissions in it. */
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
      return this.decideFor(value, requirement, user, `there is no route parameter "${from.param}"`);
    }
    return this.rules.decide({
      name: '@RequireOrganization({ id })',
      guardContext,
      user,
      evaluate: () => (from.find as (context: CallContext) => unknown)(guardContext.context),
      toDecision: (answer) => this.decideFor(answer, requirement, user, 'id() returned none'),
    });
  }

  /**
   * @param value names the organization. Anything but a non-empty string is refused: a list does not name one organization.
   * @param problem what to log if the value names none
   */
  private decideFor(
    value: unknown,
    requirement: OrganizationRequirement,
    user: AuthUser,
    problem: string,
  ): Decision | Promise<Decision> {
    if (typeof value === 'string' && value !== '') {
      const source = this.sources.find(user);
      if (source !== undefined) return decideBySource(requirement, value, user, source);
      return decideOrganization(requirement, value, organizationsInToken(user));
    }
    return denied(
      `It requires ${nameOf(requirement)}, and the call names no organization: ${problem}. ` +
        'Name the parameter with @RequireOrganization({ param }), or write a function id(context)',
    );
  }
}

/** The permissions in an organization are requested only for members, and only if the route requires some. */
async function decideBySource(
  requirement: OrganizationRequirement,
  value: string,
  user: AuthUser,
  source: PermissionSource,
): Promise<Decision> {
  const place: DescribePlace = () => placeInSource('organizations', source);
  const found = findOrganization(requirement, value, { organizations: await source.organizationsOf(user), place });
  if (found.kind === 'refused') return found;
  const { organization } = found;
  if (requirement.permissions.length === 0) return decideAuthoritiesIn(organization, requirement, place);
  const permissions = await source.permissionsIn(user, organization.id);
  return decideAuthoritiesIn({ ...organization, permissions }, requirement, place);
}

/** The organizations of a user, and where they were read. */
export interface UserOrganizations {
  readonly organizations: readonly Organization[];
  readonly place: DescribePlace;
}

/** The organizations that the claim map has read from the token. */
export function organizationsInToken(user: AuthUser): UserOrganizations {
  return { organizations: listOrEmpty(user.organizations), place: () => placeInToken(user, 'organizations') };
}

/** The organization of which the user is a member, or the refusal of a user who is not. */
type FoundOrganization =
  | { readonly kind: 'found'; readonly organization: Organization }
  | Extract<Decision, { kind: 'refused' }>;

/**
 * Decides by organizations that are known already.
 *
 * @param value the id, slug or name by which the call names the organization
 */
export function decideOrganization(
  requirement: OrganizationRequirement,
  value: string,
  known: UserOrganizations,
): Decision {
  const found = findOrganization(requirement, value, known);
  return found.kind === 'found' ? decideAuthoritiesIn(found.organization, requirement, known.place) : found;
}

function findOrganization(
  requirement: OrganizationRequirement,
  value: string,
  { organizations, place }: UserOrganizations,
): FoundOrganization {
  const { by } = requirement;
  const matching = organizations.filter((organization) => organization[by] === value);
  const [organization] = matching;
  // Only ids are unique: a person who chooses the name of an organization can choose the name of another one.
  if (organization !== undefined && matching.length === 1) return { kind: 'found', organization };
  const has =
    organization === undefined
      ? `the ${by}s ${logText(organizations.map((one) => one[by]))}`
      : `several organizations of this ${by}: choose a property that is unique with @RequireOrganization({ by })`;
  return denied(`It requires ${nameOf(requirement)}; the call names ${logText(value)}, and ${place()}, has ${has}`);
}

/** Decides by the roles and permissions that the user has in an organization. */
function decideAuthoritiesIn(
  organization: Organization,
  requirement: OrganizationRequirement,
  place: DescribePlace,
): Decision {
  const insufficient = findInsufficient(organization, requirement);
  if (insufficient === null) return granted;
  const value = logText(organization[requirement.by]);
  return denied(`It requires ${nameOf(requirement)}; the call names ${value}, where ${place()}, has ${insufficient}`);
}

/** The roles or permissions of the user that do not suffice, as a text for the log; `null` if they do. */
function findInsufficient(
  organization: Organization,
  { role, minimumRole, permissions }: OrganizationRequirement,
): string | null {
  const assigned = listOrEmpty(assignedRolesOf(organization));
  if (role !== null && !assigned.includes(role)) return `the assigned roles ${logText(assigned)}`;
  if (minimumRole !== null && organization.assignedRoles === undefined) {
    return `roles without an order, so that minimumRole cannot be decided: require the exact role`;
  }
  const roles = listOrEmpty(organization.roles);
  if (minimumRole !== null && !roles.includes(minimumRole)) return `the roles ${logText(roles)}`;
  const held = listOrEmpty(organization.permissions);
  return permissions.every((permission) => held.includes(permission)) ? null : `the permissions ${logText(held)}`;
}
