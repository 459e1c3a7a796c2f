import { isAuthError, RefusalError } from '../errors/auth-error.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { isThenable, type MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { areOfOneToken } from '../user/verified-user.js';
import { authoritiesFromSource, authoritiesInToken, decideAuthorities } from './authority-evaluator.js';
import { granted, type Decision } from './decision.js';
import { type GuardContext, requirementsOf } from './guard-context.js';
import type { OrganizationEvaluator } from './organization-evaluator.js';
import type { PermissionSource, PermissionSources } from './issuer-permissions.js';
import type { PolicyEvaluator } from './policy-evaluator.js';
import { isOfUserAlone, type AuthorityRequirement, type Requirement } from './requirement.js';
import type { RouteRequirements } from './route-rules.js';

export interface RequirementCheckerParts {
  readonly organizations: OrganizationEvaluator;
  readonly policies: PolicyEvaluator;
  /** Whom to ask about permissions that are in no token. */
  readonly sources: PermissionSources;
  readonly profiles: ProfileLookup;
}

/** A user before what a route requires. */
interface Check {
  readonly guardContext: GuardContext;
  readonly user: AuthUser;
  readonly requirements: RouteRequirements;
}

/** What came, or will come, of a check. */
interface Checked extends Pick<Check, 'user' | 'requirements'> {
  readonly outcome: void | Promise<void>;
}

/** Asks of a user what the route requires beyond being one. */
export class RequirementChecker {
  /** By call: class and handler each bring the guard along, and a policy is asked once all the same. */
  private readonly checked = createPrivateSlot<Checked>();

  constructor(private readonly parts: RequirementCheckerParts) {}

  /**
   * The user, or a promise of the user, when the route accepts the credential and every requirement is met.
   *
   * @throws {RefusalError} for the first requirement that is not met.
   * @throws {AuthUnavailableError} when that cannot be decided.
   */
  meet(guardContext: GuardContext, user: AuthUser): MaybePromise<AuthUser> {
    const { rules } = guardContext;
    let checked: void | Promise<void>;
    try {
      if (rules.mode !== 'public' && rules.credentials !== null) checkCredentialKind(rules.credentials, user);
      const requirements = requirementsOf(guardContext);
      if (requirements === null) return user;
      checked = this.check(guardContext, user, requirements);
    } catch (error) {
      throw withScheme(error, user);
    }
    if (checked === undefined) return user;
    return checked.then(
      () => user,
      (error: unknown) => {
        throw withScheme(error, user);
      },
    );
  }

  /**
   * Nothing, or a promise of it, when every requirement is met.
   *
   * @throws {RefusalError} for the first one that is not.
   * @throws {AuthUnavailableError} when it cannot be found out.
   */
  check(guardContext: GuardContext, user: AuthUser, requirements: RouteRequirements): void | Promise<void> {
    const known = this.checked.find(guardContext.context);
    if (known?.requirements === requirements && areOfOneToken(known.user, user)) return known.outcome;
    const outcome = this.checkFrom(0, { guardContext, user, requirements });
    // What the user alone decides may be decided again: anonymousCaller is asked twice.
    if (outcome !== undefined || !requirements.all.every(isOfUserAlone)) {
      this.checked.set(guardContext.context, { user, requirements, outcome });
    }
    return outcome;
  }

  /** One after the other, so that a policy is not asked about a caller who is refused without it. */
  private checkFrom(first: number, check: Check): void | Promise<void> {
    for (const [at, requirement] of check.requirements.all.entries()) {
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

  private decide(requirement: Requirement, { guardContext, user, requirements }: Check): Decision | Promise<Decision> {
    switch (requirement.kind) {
      case 'scopes':
      case 'roles':
        return decideAuthorities(requirement, authoritiesInToken(user, requirement.kind), requirements.all);
      case 'permissions':
        return this.decidePermissions(requirement, user, requirements.all);
      case 'organization':
        return this.parts.organizations.decide(requirement, guardContext, user);
      case 'profile':
        return this.parts.profiles.get(guardContext.view.request, user).then(() => granted);
      case 'policy':
        return this.parts.policies.decide(requirement, guardContext, user);
    }
  }

  private decidePermissions(
    requirement: AuthorityRequirement,
    user: AuthUser,
    all: readonly Requirement[],
  ): Decision | Promise<Decision> {
    const source = this.parts.sources.find(user);
    if (source !== undefined) return decideByAsking(requirement, user, all, source);
    return decideAuthorities(requirement, authoritiesInToken(user, 'permissions'), all);
  }
}

/** By the issuer's word, where its tokens do not name permissions. */
async function decideByAsking(
  requirement: AuthorityRequirement,
  user: AuthUser,
  all: readonly Requirement[],
  source: PermissionSource,
): Promise<Decision> {
  return decideAuthorities(
    requirement,
    authoritiesFromSource(await source.permissionsOf(user), 'permissions', source),
    all,
  );
}

/** @throws {RefusalError} reason `type`, for a credential of a kind that the route does not accept. */
function checkCredentialKind(accepted: readonly string[], { credential }: AuthUser): void {
  // An app's own Authenticator may make users without a credential.
  const kind = (credential as AuthUser['credential'] | undefined)?.kind;
  if (kind !== undefined && accepted.includes(kind)) return;
  throw RefusalError.token(
    'type',
    `The route accepts credentials of kind ${accepted.join(', ')}, and the caller presented ${kind ?? 'none'}`,
  );
}

/** Records the scheme that the caller used, so that the challenge of that scheme carries the error. */
function withScheme(error: unknown, { credential }: AuthUser): unknown {
  if (isAuthError(error)) error.scheme ??= (credential as AuthUser['credential'] | undefined)?.scheme ?? null;
  return error;
}

function settle(decision: Decision): void {
  if (decision.kind === 'refused') throw decision.refusal;
}

/** Looks callers up at their provider, once for a request. */
interface ProfileLookup {
  /**
   * @param request the request
   * @throws {RefusalError} for a user who is no more, or is barred.
   * @throws {AuthUnavailableError} when the provider could not be asked.
   */
  get(request: object, user: AuthUser): Promise<unknown>;
}
