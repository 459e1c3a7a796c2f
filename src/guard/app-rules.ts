import { type Decision, denied } from '../access/decision.js';
import { isAuthError } from '../errors/auth-error.js';
import { describeThrown } from '../telemetry/describe-thrown.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AuthUser } from '../user/auth-user.js';
import { findTokenOf } from '../user/verified-user.js';
import { isThenable } from './is-thenable.js';
import { handlerOf, type Visit } from './visit.js';

/** A rule that an app has written, put to a call. */
export interface AppRule {
  /** As its author knows it: `@RequirePolicy(OwnsCat)`. */
  readonly name: string;
  readonly visit: Visit;
  readonly user: AuthUser;
  readonly ask: () => unknown;
  /** What the answer comes to. */
  readonly judge: (answer: unknown, rule: AppRule) => Decision | Promise<Decision>;
}

/**
 * Asks the app's own rules. Whatever they throw is logged and lets nobody pass: it refuses, but for a `FaultError`, which
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
  miswired({ name, visit }: Pick<AppRule, 'name' | 'visit'>, problem: string, mend: string): Decision {
    const where = `${handlerOf(visit)}: ${name}`;
    if (!this.reported.has(where)) {
      this.reported.add(where);
      this.report({ type: 'miswired', problem: `${where} ${problem}, so it refuses`, mend });
    }
    return denied(`It demands ${name}, which ${problem}`);
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

  private fail({ name, visit, user }: AppRule, error: unknown): Decision {
    const { problem, frames } = describeThrown(error, findTokenOf(user) ?? null);
    this.report({ type: 'rule-failed', rule: name, handler: handlerOf(visit), problem, frames });
    if (isAuthError(error) && error.code === 'SERVER_ERROR') throw error;
    return denied(`It demands ${name}, which threw: ${problem}`);
  }
}
