import { isAuthError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown } from '../telemetry/log-text.js';
import { isThenable } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { findTokenOf } from '../user/verified-user.js';
import { type Decision, denied } from './decision.js';
import { handlerNameOf, type GuardContext } from './guard-context.js';

/** One evaluation of a function that the app has written: a policy, or the `id` of `@RequireOrganization()`. */
export interface AppRule {
  /** The name in the log, as the app's developer wrote it: `@RequirePolicy(OwnsCat)`. */
  readonly name: string;
  readonly guardContext: GuardContext;
  readonly user: AuthUser;
  /** Calls the app's function. */
  readonly evaluate: () => unknown;
  /** Turns what the app's function returned into a decision. */
  readonly toDecision: (answer: unknown, rule: AppRule) => Decision | Promise<Decision>;
}

/**
 * Evaluates the app's own rules. A rule that throws refuses the call, and the error is logged. An `AuthUnavailableError` is
 * thrown on after it has been logged, because the caller is not at fault when a rule fails over an outage.
 */
export class AppRules {
  private readonly reported = new Set<string>();

  constructor(private readonly report: ReportEvent) {}

  /** A promise only if the rule or its decision is asynchronous. */
  decide(rule: AppRule): Decision | Promise<Decision> {
    let answer: unknown;
    try {
      answer = rule.evaluate();
      if (isThenable(answer)) return this.decideAsync(rule, answer);
    } catch (error) {
      return this.refuseAfterError(rule, error);
    }
    return rule.toDecision(answer, rule);
  }

  /** Refuses because of a mistake in the app's code. Each rule of a handler is reported once. */
  refuseMisconfigured(
    { name, guardContext }: Pick<AppRule, 'name' | 'guardContext'>,
    problem: string,
    fix: string,
  ): Decision {
    const where = `${handlerNameOf(guardContext)}: ${name}`;
    if (!this.reported.has(where)) {
      this.reported.add(where);
      this.report({ type: 'misconfigured', problem: `${where} ${problem}, so it refuses`, fix });
    }
    return denied(`It requires ${name}, which ${problem}`);
  }

  private async decideAsync(rule: AppRule, promised: PromiseLike<unknown>): Promise<Decision> {
    let answer: unknown;
    try {
      answer = await promised;
    } catch (error) {
      return this.refuseAfterError(rule, error);
    }
    return rule.toDecision(answer, rule);
  }

  private refuseAfterError({ name, guardContext, user }: AppRule, error: unknown): Decision {
    const { problem, frames } = describeThrown(error, findTokenOf(user) ?? null);
    this.report({ type: 'rule-failed', rule: name, handler: handlerNameOf(guardContext), problem, frames });
    if (isAuthError(error) && error.code === 'SERVER_ERROR') throw error;
    return denied(`It requires ${name}, which threw: ${problem}`);
  }
}
