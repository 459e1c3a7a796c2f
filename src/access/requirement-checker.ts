import { RefusalError, withScheme } from '../errors/auth-error.js';
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
import { isDecidedByUserAlone, type AuthorityRequirement, type Requirement } from './requirement.js';
import type { RouteRequirements } from './route-rules.js';
import type { ScopeHierarchy } from './scope-hierarchy.js';
import type { StepUpEvaluator } from './step-up-evaluator.js';

export interface RequirementCheckerParts {
  readonly organizations: OrganizationEvaluator;
  readonly policies: PolicyEvaluator;
  readonly stepUps: StepUpEvaluator;
  /** For issuers whose tokens do not contain permissions or organizations. */
  readonly sources: PermissionSources;
  readonly profiles: ProfileLookup;
  /** The scopes that include others. @defaultValue none do */
  readonly scopes?: ScopeHierarchy | undefined;
}

/** What one check is about. */
interface CheckInput {
  readonly guardContext: GuardContext;
  readonly user: AuthUser;
  readonly requirements: RouteRequirements;
}

/** A check that has succeeded or is in progress. */
interface RememberedCheck extends Pick<CheckInput, 'user' | 'requirements'> {
  readonly outcome: void | Promise<void>;
}

/** Checks whether an authenticated user satisfies the requirements of the route. */
export class RequirementChecker {
  /** By call: if decorators on the class and on the handler both add the guard, it runs twice, and policies must run once. */
  private readonly remembered = createPrivateSlot<RememberedCheck>();

  constructor(private readonly parts: RequirementCheckerParts) {}

  /**
   * Checks the kind of the credential and all requirements of the route, and returns the user, or a promise of the user, if all
   * are satisfied.
   *
   * @throws {RefusalError} for the first requirement that is not satisfied.
   * @throws {AuthUnavailableError} if a requirement cannot be decided.
   */
  authorize(guardContext: GuardContext, user: AuthUser): MaybePromise<AuthUser> {
    const { rules } = guardContext;
    let checked: void | Promise<void>;
    try {
      if (rules.mode !== 'public' && rules.credentials !== null) checkCredentialKind(rules.credentials, user);
      const requirements = requirementsOf(guardContext);
      if (requirements === null) return user;
      checked = this.check(guardContext, user, requirements);
    } catch (error) {
      throw withScheme(error, schemeOf(user));
    }
    if (checked === undefined) return user;
    return checked.then(
      () => user,
      (error: unknown) => {
        throw withScheme(error, schemeOf(user));
      },
    );
  }

  /**
   * Checks the requirements, unless the same ones have been checked for the same token in this call. Returns a promise only if a
   * requirement is decided asynchronously.
   *
   * @throws {RefusalError} for the first requirement that is not satisfied.
   * @throws {AuthUnavailableError} if a requirement cannot be decided.
   */
  check(guardContext: GuardContext, user: AuthUser, requirements: RouteRequirements): void | Promise<void> {
    const earlier = this.remembered.find(guardContext.context);
    if (earlier?.requirements === requirements && areOfOneToken(earlier.user, user)) return earlier.outcome;
    const outcome = this.checkFrom(0, { guardContext, user, requirements });
    // What the user's own lists decide is cheaper to decide again than to remember.
    if (outcome !== undefined || !requirements.all.every(isDecidedByUserAlone)) {
      this.remembered.set(guardContext.context, { user, requirements, outcome });
    }
    return outcome;
  }

  /** Checks one requirement after the other, so that no policy runs for a caller whom an earlier requirement refuses. */
  private checkFrom(first: number, input: CheckInput): void | Promise<void> {
    for (const [at, requirement] of input.requirements.all.entries()) {
      if (at < first) continue;
      const decision = this.decide(requirement, input);
      if (isThenable(decision)) return this.checkFromAfter(decision, at + 1, input);
      throwIfRefused(decision);
    }
  }

  private async checkFromAfter(decision: Promise<Decision>, next: number, input: CheckInput): Promise<void> {
    throwIfRefused(await decision);
    await this.checkFrom(next, input);
  }

  private decide(
    requirement: Requirement,
    { guardContext, user, requirements }: CheckInput,
  ): Decision | Promise<Decision> {
    switch (requirement.kind) {
      case 'scopes':
      case 'roles':
        return decideAuthorities(
          requirement,
          authoritiesInToken(user, requirement.kind),
          requirements.all,
          this.parts.scopes,
        );
      case 'permissions':
        return this.decidePermissions(requirement, user, requirements.all);
      case 'step-up':
        return this.parts.stepUps.decide(requirement, user);
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
    if (source !== undefined) return this.decideBySource(requirement, user, all, source);
    return decideAuthorities(requirement, authoritiesInToken(user, 'permissions'), all, this.parts.scopes);
  }

  private async decideBySource(
    requirement: AuthorityRequirement,
    user: AuthUser,
    all: readonly Requirement[],
    source: PermissionSource,
  ): Promise<Decision> {
    const held = authoritiesFromSource(await source.permissionsOf(user), 'permissions', source);
    return decideAuthorities(requirement, held, all, this.parts.scopes);
  }
}

/** @throws {RefusalError} with reason `type`, for a kind of credential that the route does not accept. */
function checkCredentialKind(accepted: readonly string[], { credential }: AuthUser): void {
  // An Authenticator of the app may return users without a credential, whatever its type says.
  const kind = (credential as AuthUser['credential'] | undefined)?.kind;
  if (kind !== undefined && accepted.includes(kind)) return;
  throw RefusalError.token(
    'type',
    `The route accepts credentials of kind ${accepted.join(', ')}; the kind of the caller's credential is ${kind ?? 'unknown'}`,
  );
}

/** The scheme of the caller's credential; `null` for a user whom an app's own Authenticator made without one. */
function schemeOf({ credential }: AuthUser): string | null {
  return (credential as AuthUser['credential'] | undefined)?.scheme ?? null;
}

function throwIfRefused(decision: Decision): void {
  if (decision.kind === 'refused') throw decision.refusal;
}

/** Gets the profiles of callers from their providers, at most once for each request. */
interface ProfileLookup {
  /**
   * @param request the object by which the profile of one request is remembered
   * @throws {RefusalError} for a user whose account no longer exists or is disabled.
   * @throws {AuthUnavailableError} if the provider does not answer.
   */
  get(request: object, user: AuthUser): Promise<unknown>;
}
