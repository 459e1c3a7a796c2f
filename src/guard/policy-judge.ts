import { type Decision, denied, granted } from '../access/decision.js';
import { readPolicyAnswer } from '../access/policy-answer.js';
import { nameOf, type PolicyClass, type PolicyRequirement } from '../access/requirement.js';
import { logText } from '../telemetry/log-text.js';
import type { AuthUser } from '../user/auth-user.js';
import type { AppRule, AppRules } from './app-rules.js';
import { isThenable } from './is-thenable.js';
import type { CallContext } from './transport.js';
import type { Visit } from './visit.js';

/** An instance of a policy class. Its parameters are the framework's, which is not known here. */
export interface MadePolicy {
  readonly check: unknown;
}

/** Where instances of policy classes come from. */
export abstract class PolicyMaker {
  /**
   * The instance for a call, or a promise of one where it is made for each.
   *
   * @throws {ConfigurationError} where the app does not provide one.
   */
  abstract get(type: PolicyClass, visit: Visit): MadePolicy | Promise<MadePolicy>;
}

const mend = 'A policy gives true, false, a reason as a text, { granted: false, reason }, or a promise of one of these';

/** Decides by what the app's policies say. */
export class PolicyJudge {
  constructor(
    private readonly rules: AppRules,
    private readonly maker: PolicyMaker,
  ) {}

  decide(requirement: PolicyRequirement, visit: Visit, user: AuthUser): Decision | Promise<Decision> {
    return this.rules.ask({
      name: `@RequirePolicy(${requirement.name})`,
      visit,
      user,
      ask: () => this.ask(requirement, visit, user),
      judge: (answer, rule) => this.judge(requirement, rule, answer),
    });
  }

  private ask({ policy }: PolicyRequirement, visit: Visit, user: AuthUser): unknown {
    if (policy.made === 'by-hand') return (policy.check as Check)(user, visit.context);
    const made = this.maker.get(policy.type, visit);
    return isThenable(made) ? made.then((policy) => check(policy, user, visit)) : check(made, user, visit);
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
        return this.rules.miswired(rule, `gave ${read.given} for an answer`, mend);
    }
  }
}

type Check = (user: AuthUser, context: CallContext) => unknown;

function check(policy: MadePolicy, user: AuthUser, { context }: Visit): unknown {
  return (policy as { check: Check }).check(user, context);
}
