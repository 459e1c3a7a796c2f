import { logText } from '../telemetry/log-text.js';
import { isThenable } from '../token/maybe-promise.js';
import type { CallContext } from '../access/guard-context.js';
import type { AuthUser } from '../user/auth-user.js';
import type { AppRule, AppRules } from './app-rules.js';
import { denied, granted, type Decision } from './decision.js';
import type { GuardContext } from './guard-context.js';
import { nameOf, type PolicyClass, type PolicyRequirement } from './requirement.js';

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
          `It requires ${nameOf(requirement)}, which refuses${read.reason === null ? '' : `: ${logText(read.reason)}`}`,
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

/**
 * What a policy says about a call: `true` lets it pass, and nothing else does. `false` refuses it, and so does a text,
 * or `{ granted: false, reason }`: a reason goes into the log at `debug`, and never into the answer.
 */
export type PolicyAnswer = boolean | string | PolicyRefusal;

export interface PolicyRefusal {
  readonly granted: false;
  readonly reason?: string;
}

/** What a policy has said. `nonsense`: it gave something that is no answer, so that the app has to be mended. */
export type ReadAnswer =
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly reason: string | null }
  | { readonly kind: 'nonsense'; readonly given: string };

/** Reads what a policy gave: anything may have come. */
export function readPolicyAnswer(answer: unknown): ReadAnswer {
  if (answer === true) return { kind: 'granted' };
  if (answer === false) return { kind: 'refused', reason: null };
  if (typeof answer === 'string') return { kind: 'refused', reason: answer === '' ? null : answer };
  return readRefusal(answer) ?? { kind: 'nonsense', given: describe(answer) };
}

function readRefusal(answer: unknown): ReadAnswer | null {
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'granted')) return null;
  const { granted, reason } = answer as Readonly<Record<string, unknown>>;
  if (granted !== false) return null;
  return { kind: 'refused', reason: typeof reason === 'string' && reason !== '' ? reason : null };
}

/** The kind of thing, and nothing of what is in it: it may be a row of the app's database. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
