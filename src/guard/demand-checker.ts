import { decideHolding, heldElsewhere, heldInToken } from '../access/decide-holding.js';
import { type Decision, granted } from '../access/decision.js';
import type { PermissionSource } from '../access/permission-source.js';
import type { PermissionSources } from '../access/permission-sources.js';
import { type HoldingRequirement, isOfUserAlone, type Requirement } from '../access/requirement.js';
import type { RouteDemands } from '../access/route-rules.js';
import { makeHiddenMember } from '../request/hidden-member.js';
import type { AuthUser } from '../user/auth-user.js';
import { areOfOneToken } from '../user/verified-user.js';
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

/** What came, or will come, of a check. */
interface Checked extends Pick<Check, 'user' | 'demands'> {
  readonly outcome: void | Promise<void>;
}

/** Asks of a user what the route demands beyond being one. */
export class DemandChecker {
  /** By call: class and handler each bring the guard along, and a policy is asked once all the same. */
  private readonly checked = makeHiddenMember<Checked>();

  constructor(private readonly parts: DemandCheckerParts) {}

  /**
   * Nothing, or a promise of it, when every demand is met.
   *
   * @throws {RefusalError} for the first one that is not.
   * @throws {FaultError} when it cannot be found out.
   */
  check(visit: Visit, user: AuthUser, demands: RouteDemands): void | Promise<void> {
    const known = this.checked.find(visit.context);
    if (known?.demands === demands && areOfOneToken(known.user, user)) return known.outcome;
    const outcome = this.checkFrom(0, { visit, user, demands });
    // What the user alone decides may be decided again: nobody is asked twice.
    if (outcome !== undefined || !demands.requirements.every(isOfUserAlone)) {
      this.checked.set(visit.context, { user, demands, outcome });
    }
    return outcome;
  }

  /** One after the other, so that a policy is not asked about a caller who is refused without it. */
  private checkFrom(first: number, check: Check): void | Promise<void> {
    for (const [at, requirement] of check.demands.requirements.entries()) {
      if (at < first) continue;
      const decision = this.decide(requirement, check);
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
