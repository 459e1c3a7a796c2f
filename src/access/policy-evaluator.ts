import { logText } from '../telemetry/log-text.js';
import { isThenable } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import type { AppRule, AppRules } from './app-rules.js';
import { denied, granted, type Decision } from './decision.js';
import type { CallContext, GuardContext } from './guard-context.js';
import { nameOf, type PolicyClass, type PolicyRequirement } from './requirement.js';

/** An instance of a policy class. The type of `check` is that of `Policy`, which belongs to the decorators. */
export interface PolicyInstance {
  readonly check: unknown;
}

/** Gets the instances of policy classes; the implementation uses Nest's injector. */
export abstract class PolicyFactory {
  /**
   * The instance for a call; a promise if the policy is request-scoped.
   *
   * @throws {ConfigurationError} if the app does not provide one.
   */
  abstract get(type: PolicyClass, guardContext: GuardContext): PolicyInstance | Promise<PolicyInstance>;
}

const fix =
  'A policy returns true, false, a reason as a string, { granted: false, reason }, or a promise of one of these';

/** Decides by the app's policies. */
export class PolicyEvaluator {
  constructor(
    private readonly rules: AppRules,
    private readonly factory: PolicyFactory,
  ) {}

  decide(requirement: PolicyRequirement, guardContext: GuardContext, user: AuthUser): Decision | Promise<Decision> {
    return this.rules.decide({
      name: `@RequirePolicy(${requirement.name})`,
      guardContext,
      user,
      evaluate: () => this.callPolicy(requirement, guardContext, user),
      toDecision: (answer, rule) => this.toDecision(requirement, rule, answer),
    });
  }

  private callPolicy({ policy }: PolicyRequirement, guardContext: GuardContext, user: AuthUser): unknown {
    if (policy.made === 'by-hand') return (policy.check as Check)(user, guardContext.context);
    const instance = this.factory.get(policy.type, guardContext);
    return isThenable(instance)
      ? instance.then((resolved) => callCheck(resolved, user, guardContext))
      : callCheck(instance, user, guardContext);
  }

  private toDecision(requirement: PolicyRequirement, rule: AppRule, answer: unknown): Decision {
    const read = readPolicyAnswer(answer);
    switch (read.kind) {
      case 'granted':
        return granted;
      case 'refused':
        return denied(
          `It requires ${nameOf(requirement)}, which refuses${read.reason === null ? '' : `: ${logText(read.reason)}`}`,
        );
      case 'invalid':
        return this.rules.refuseMisconfigured(rule, `returned ${read.description}, which is no valid answer`, fix);
    }
  }
}

type Check = (user: AuthUser, context: CallContext) => unknown;

function callCheck(policy: PolicyInstance, user: AuthUser, { context }: GuardContext): unknown {
  return (policy as { check: Check }).check(user, context);
}

/**
 * What a policy returns about a call. Only `true` grants it. `false`, a string and `{ granted: false, reason }` refuse it. The
 * string or the reason is logged at level `debug` and is never part of the answer.
 */
export type PolicyAnswer = boolean | string | PolicyRefusal;

export interface PolicyRefusal {
  readonly granted: false;
  readonly reason?: string;
}

/** The answer of a policy after it has been checked. `invalid`: the policy returned something else, a mistake in the app's code. */
export type ReadAnswer =
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly reason: string | null }
  | { readonly kind: 'invalid'; readonly description: string };

/** Checks what a policy has returned, which may be any value. */
export function readPolicyAnswer(answer: unknown): ReadAnswer {
  if (answer === true) return { kind: 'granted' };
  if (answer === false) return { kind: 'refused', reason: null };
  if (typeof answer === 'string') return { kind: 'refused', reason: answer === '' ? null : answer };
  return readRefusal(answer) ?? { kind: 'invalid', description: describe(answer) };
}

function readRefusal(answer: unknown): ReadAnswer | null {
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'granted')) return null;
  const { granted, reason } = answer as Readonly<Record<string, unknown>>;
  if (granted !== false) return null;
  return { kind: 'refused', reason: typeof reason === 'string' && reason !== '' ? reason : null };
}

/** Names the type of a value only: the value may be a row of the app's database, which must not be logged. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
