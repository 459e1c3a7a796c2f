import { type DescribePlace, placeElsewhere } from './authority-evaluator.js';
import { decideOrganization, decideWithin, findOrganization, organizationsInToken } from './decide-organization.js';
import { type Decision, denied } from './decision.js';
import type { PermissionSource } from './permission-source.js';
import type { PermissionSources } from './permission-sources.js';
import { nameOf, type OrganizationRequirement } from './requirement.js';
import type { AuthUser } from '../user/auth-user.js';
import type { AppRules } from './app-rules.js';
import type { CallContext } from '../transports/transport.js';
import type { GuardContext } from './guard-context.js';

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
      `It demands ${nameOf(requirement)}, and the call names none: ${otherwise}. ` +
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
