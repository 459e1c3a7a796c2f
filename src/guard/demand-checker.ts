import { decideHolding, heldElsewhere, heldInToken } from '../access/decide-holding.js';
import { type Decision, granted } from '../access/decision.js';
import type { PermissionSource } from '../access/permission-source.js';
import type { PermissionSources } from '../access/permission-sources.js';
import { type HoldingRequirement, isOfUserAlone, type Requirement } from '../access/requirement.js';
import type { RouteDemands } from '../access/route-rules.js';
import { KeptWith } from '../memory/kept-with.js';
import type { AuthUser } from '../user/auth-user.js';
import { isThenable } from './is-thenable.js';
import type { OrganizationJudge } from './organization-judge.js';
import type { PolicyJudge } from './policy-judge.js';
import type { ProfileLookup } from './profile-lookup.js';
import type { Visit } from './visit.js';

export interface DemandCheckerParts {
  readonly organizations: OrganizationJudge;
  readonly policies: PolicyJudge;
  /** Whom to ask about permissions that are in no token. */
  readonly sources: PermissionSources;
  readonly profiles: ProfileLookup;
}

/** A user before what a route demands. */
interface Check {
  readonly visit: Visit;
  readonly user: AuthUser;
  readonly demands: RouteDemands;
}

/** Asks of a user what the route demands beyond being one. */
export class DemandChecker {
  /** By call: class and handler each bring the guard along, and a policy is asked once all the same. */
  private readonly checked = new KeptWith<{ readonly user: AuthUser; readonly outcome: void | Promise<void> }>();

  constructor(private readonly parts: DemandCheckerParts) {}

  /**
   * Nothing, or a promise of it, when every demand is met.
   *
   * @throws {RefusalError} for the first one that is not.
   * @throws {FaultError} when it cannot be found out.
   */
  check(visit: Visit, user: AuthUser, demands: RouteDemands): void | Promise<void> {
    const known = this.checked.get(visit.context);
    if (known?.user === user) return known.outcome;
    const outcome = this.checkFrom(0, { visit, user, demands });
    // What the user alone decides is decided again sooner than it is kept.
    if (outcome !== undefined || !demands.requirements.every(isOfUserAlone)) {
      this.checked.set(visit.context, { user, outcome });
    }
    return outcome;
  }

  /** One after the other, so that a policy is not asked about a caller who is refused without it. */
  private checkFrom(first: number, check: Check): void | Promise<void> {
    const { requirements } = check.demands;
    for (let at = first; at < requirements.length; at += 1) {
      const decision = this.decide(requirements[at] as Requirement, check);
      if (isThenable(decision)) return this.checkOn(decision, at + 1, check);
      settle(decision);
    }
  }

  private async checkOn(decision: Promise<Decision>, next: number, check: Check): Promise<void> {
    settle(await decision);
    await this.checkFrom(next, check);
  }

  private decide(requirement: Requirement, { visit, user, demands }: Check): Decision | Promise<Decision> {
    switch (requirement.kind) {
      case 'scopes':
      case 'roles':
        return decideHolding(requirement, heldInToken(user, requirement.kind), demands.requirements);
      case 'permissions':
        return this.decidePermissions(requirement, user, demands.requirements);
      case 'organization':
        return this.parts.organizations.decide(requirement, visit, user);
      case 'profile':
        return this.parts.profiles.get(visit.request.carrier, user).then(() => granted);
      case 'policy':
        return this.parts.policies.decide(requirement, visit, user);
    }
  }

  private decidePermissions(
    requirement: HoldingRequirement,
    user: AuthUser,
    all: readonly Requirement[],
  ): Decision | Promise<Decision> {
    const source = this.parts.sources.find(user);
    if (source !== undefined) return decideByAsking(requirement, user, all, source);
    return decideHolding(requirement, heldInToken(user, 'permissions'), all);
  }
}

/** By the issuer's word, where its tokens do not name permissions. */
async function decideByAsking(
  requirement: HoldingRequirement,
  user: AuthUser,
  all: readonly Requirement[],
  source: PermissionSource,
): Promise<Decision> {
  return decideHolding(requirement, heldElsewhere(await source.permissionsOf(user), 'permissions', source), all);
}

function settle(decision: Decision): void {
  if (decision.kind === 'refused') throw decision.refusal;
}
