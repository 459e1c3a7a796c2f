import { type Decision, denied, granted } from './decision.js';
import { readPolicyAnswer } from './policy-answer.js';
import { nameOf, type PolicyClass, type PolicyRequirement } from './requirement.js';
import { logText } from '../telemetry/log-text.js';
import type { AuthUser } from '../user/auth-user.js';
import type { AppRule, AppRules } from './app-rules.js';
import { isThenable } from '../token/maybe-promise.js';
import type { CallContext } from '../transports/transport.js';
import type { GuardContext } from './guard-context.js';

/** An instance of a policy class. Its parameters are the framework's, which is not known here. */
export interface PolicyInstance {
  readonly check: unknown;
}

/** Where instances of policy classes come from. */
export abstract class PolicyFactory {
  /**
   * The instance for a call, or a promise of one where it is made for each.
   *
   * @throws {ConfigurationError} where the app does not provide one.
   */
  abstract get(type: PolicyClass, guardContext: GuardContext): PolicyInstance | Promise<PolicyInstance>;
}

const fix = 'A policy gives true, false, a reason as a text, { granted: false, reason }, or a promise of one of these';

/** Decides by what the app's policies say. */
export class PolicyEvaluator {
  constructor(
    private readonly rules: AppRules,
    private readonly maker: PolicyFactory,
  ) {}

  decide(requirement: PolicyRequirement, guardContext: GuardContext, user: AuthUser): Decision | Promise<Decision> {
    return this.rules.ask({
      name: `@RequirePolicy(${requirement.name})`,
      guardContext,
      user,
      ask: () => this.ask(requirement, guardContext, user),
      judge: (answer, rule) => this.judge(requirement, rule, answer),
    });
  }

  private ask({ policy }: PolicyRequirement, guardContext: GuardContext, user: AuthUser): unknown {
    if (policy.made === 'by-hand') return (policy.check as Check)(user, guardContext.context);
    const made = this.maker.get(policy.type, guardContext);
    return isThenable(made)
      ? made.then((policy) => check(policy, user, guardContext))
      : check(made, user, guardContext);
  }

  private judge(requirement: PolicyRequirement, rule: AppRule, answer: unknown): Decision {
    const read = readPolicyAnswer(answer);
    switch (read.kind) {
      case 'granted':
        return granted;
      case 'refused':
        return denied(
          `It demands ${nameOf(requirement)}, which refuses${read.reason === null ? '' : `: ${logText(read.reason)}`}`,
        );
      case 'nonsense':
        return this.rules.misconfigured(rule, `gave ${read.given} for an answer`, fix);
    }
  }
}

type Check = (user: AuthUser, context: CallContext) => unknown;

function check(policy: PolicyInstance, user: AuthUser, { context }: GuardContext): unknown {
  return (policy as { check: Check }).check(user, context);
}
