import { pageOf } from '../errors/docs-url.js';
import { type AuthErrorCode, isAuthError, isRefusal, type RefusalReason } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';

/** What a text was taken for. */
export type ExplainedKind = 'jwt' | 'opaque-token' | 'api-key' | 'dpop-proof' | 'challenge';

/** The checks, by names that do not change between versions. */
export type ExplainedCheckId =
  | 'form'
  | 'issuer'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'type'
  | 'time'
  | 'audience'
  | 'subject'
  | 'preset'
  | 'status'
  | 'app'
  | 'binding'
  | 'target'
  | 'error'
  | 'scope'
  | 'route';

/** One check of an explained text. It never repeats the text, a signature or a secret. */
export interface ExplainedCheck {
  readonly id: ExplainedCheckId;
  /** What is checked: `Audience`. */
  readonly title: string;
  /** `not_checked`: an earlier check failed, or what it needs was not there; `explanation` says which. */
  readonly status: 'passed' | 'failed' | 'not_checked';
  /** What was found: `"web-client"`; `null` where there is nothing to show. */
  readonly found: string | null;
  readonly expected: string | null;
  /** The option that decides, as it is written in code: `oidc({ audience })`; `null` where no option does. */
  readonly option: string | null;
  /** What to do; `null` for a check that passed. */
  readonly fix: string | null;
  /** Of a failed check the text of the log; of one that was not made the cause. `null` for one that passed. */
  readonly explanation: string | null;
  /** The section of the reference. */
  readonly docs: string;
}

/** What `TokenExplainer.explain` and `npx nest-gatehouse explain --json` give. */
export interface Explanation {
  readonly kind: ExplainedKind;
  /** `undecided`: nothing speaks against it, but something that has to be asked did not answer. */
  readonly outcome: 'accepted' | 'refused' | 'undecided';
  /** In the order in which a request is checked. */
  readonly checks: readonly ExplainedCheck[];
  /** The first check that failed, for which a request would be refused; `null` where none did. */
  readonly firstFailure: ExplainedCheck | null;
  /** The code of the answer; `null` unless it is refused. */
  readonly code: AuthErrorCode | null;
  readonly reason: RefusalReason | null;
  /** The claims, which are not verified unless the outcome is `accepted`. Only where they were asked for. */
  readonly claims?: JsonObject;
}

/** What is known of a check before it is made. */
export interface CheckPlan {
  readonly id: ExplainedCheckId;
  readonly title: string;
  readonly found?: string | null;
  readonly expected?: string | null;
  readonly option?: string | null;
  readonly fix: string;
  /** For the page of a check that passed. */
  readonly reason: RefusalReason;
}

/** Collects the checks of one text. */
export class CheckList {
  readonly checks: ExplainedCheck[] = [];
  private code: AuthErrorCode | null = null;
  private reason: RefusalReason | null = null;
  private isUndecided = false;

  /** Whether nothing has failed and everything that was asked has answered. */
  get isPassing(): boolean {
    return this.code === null && !this.isUndecided;
  }

  /**
   * Makes a check: what it throws says how it ended.
   *
   * @returns what the check returns; `undefined` when it has not passed
   */
  async make<Value>(plan: CheckPlan, check: () => Value | Promise<Value>): Promise<Value | undefined> {
    try {
      const value = await check();
      this.checks.push(toCheck(plan, 'passed'));
      return value;
    } catch (error) {
      if (!isAuthError(error)) throw error;
      if (isRefusal(error)) this.fail(plan, error);
      else this.leave(plan, error.explanation, true);
      return undefined;
    }
  }

  /** Notes a check that cannot be made. */
  leave(plan: CheckPlan, cause: string, isNeeded = false): void {
    this.isUndecided ||= isNeeded;
    const docs = isNeeded ? { docs: pageOf('SERVER_ERROR') } : {};
    this.checks.push({ ...toCheck(plan, 'not_checked'), ...docs, explanation: cause });
  }

  fail(
    plan: CheckPlan,
    refusal: { readonly code: AuthErrorCode; readonly reason: RefusalReason | null; readonly explanation: string },
  ): void {
    const { code, reason, explanation } = refusal;
    this.checks.push({ ...toCheck(plan, 'failed'), explanation, fix: plan.fix, docs: pageOf(code, reason) });
    if (this.code !== null) return;
    this.code = code;
    this.reason = reason;
  }

  toExplanation(kind: ExplainedKind, claims: JsonObject | null = null): Explanation {
    const { checks, code, reason } = this;
    return {
      kind,
      outcome: code !== null ? 'refused' : this.isUndecided ? 'undecided' : 'accepted',
      checks,
      firstFailure: checks.find(({ status }) => status === 'failed') ?? null,
      code,
      reason,
      ...(claims !== null && { claims }),
    };
  }
}

function toCheck(plan: CheckPlan, status: ExplainedCheck['status']): ExplainedCheck {
  const { id, title, found = null, expected = null, option = null, reason } = plan;
  const docs = pageOf('INVALID_TOKEN', reason);
  return { id, title, status, found, expected, option, fix: null, explanation: null, docs };
}
