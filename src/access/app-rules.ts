import { type Decision, denied } from './decision.js';
import { isAuthError } from '../errors/auth-error.js';
import { describeThrown } from '../telemetry/log-text.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AuthUser } from '../user/auth-user.js';
import { findTokenOf } from '../user/verified-user.js';
import { isThenable } from '../token/maybe-promise.js';
import { handlerNameOf, type GuardContext } from './guard-context.js';

/** A rule that an app has written, put to a call. */
export interface AppRule {
  /** As its author knows it: `@RequirePolicy(OwnsCat)`. */
  readonly name: string;
  readonly guardContext: GuardContext;
  readonly user: AuthUser;
  readonly ask: () => unknown;
  /** What the answer comes to. */
  readonly judge: (answer: unknown, rule: AppRule) => Decision | Promise<Decision>;
}

/**
 * Asks the app's own rules. Whatever they throw is logged and lets anonymousCaller pass: it refuses, but for a `AuthUnavailableError`, which
 * stays what it is. Nobody is to blame for an outage that a rule has met with.
 */
export class AppRules {
  private readonly reported = new Set<string>();

  constructor(private readonly report: ReportEvent) {}

  /** At once where the rule answers at once. */
  ask(rule: AppRule): Decision | Promise<Decision> {
    let answer: unknown;
    try {
      answer = rule.ask();
      if (isThenable(answer)) return this.askLater(rule, answer);
    } catch (error) {
      return this.fail(rule, error);
    }
    return rule.judge(answer, rule);
  }

  /** Refuses over a mistake in the app's code, which is reported once for each rule of a handler. */
  misconfigured(
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

  private async askLater(rule: AppRule, promised: PromiseLike<unknown>): Promise<Decision> {
    let answer: unknown;
    try {
      answer = await promised;
    } catch (error) {
      return this.fail(rule, error);
    }
    return rule.judge(answer, rule);
  }

  private fail({ name, guardContext, user }: AppRule, error: unknown): Decision {
    const { problem, frames } = describeThrown(error, findTokenOf(user) ?? null);
    this.report({ type: 'rule-failed', rule: name, handler: handlerNameOf(guardContext), problem, frames });
    if (isAuthError(error) && error.code === 'SERVER_ERROR') throw error;
    return denied(`It requires ${name}, which threw: ${problem}`);
  }
}
