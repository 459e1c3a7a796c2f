import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, it } from 'vitest';
import { PermissionSources } from '../../../src/access/issuer-permissions.js';
import type { RouteRequirements } from '../../../src/access/route-rules.js';
import { AppRules } from '../../../src/access/app-rules.js';
import { RequirementChecker } from '../../../src/access/requirement-checker.js';
import { OrganizationEvaluator } from '../../../src/access/organization-evaluator.js';
import { StepUpEvaluator } from '../../../src/access/step-up-evaluator.js';
import { PolicyEvaluator, PolicyFactory } from '../../../src/access/policy-evaluator.js';
import type { CallContext, GuardContext } from '../../../src/access/guard-context.js';
import { ExpiringMemory } from '../../../src/profiles/expiring-memory.js';
import { toVerifiedToken } from '../../../src/token/verified-token.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { mapStandardClaims } from '../../../src/user/claim-map.js';
import { toAuthUser } from '../../../src/user/verified-user.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/outcome.js';

class Cats {
  list(): void {
    // Never called: requirements are attached to it.
  }
}

class NoPolicyClasses extends PolicyFactory {
  override get(): never {
    throw new Error('This test has no policy classes');
  }
}

/** Each call creates another object for the user of a token, as two concurrent verifications do. */
function userOf(text: string): AuthUser {
  const token = toVerifiedToken('https://issuer.example', { alg: 'ES256' }, Object.freeze({ sub: 'alice', exp: 2e9 }));
  return toAuthUser(text, token, { provider: 'oidc', map: mapStandardClaims });
}

function setUp(): {
  checker: RequirementChecker;
  asked: string[];
  requirePolicy: (name: string, answer: boolean) => RouteRequirements;
} {
  const rules = new AppRules(() => undefined);
  const sources = new PermissionSources(new Map(), new ExpiringMemory({ maxEntries: 0, clock: new ManualClock() }));
  const checker = new RequirementChecker({
    organizations: new OrganizationEvaluator(rules, sources),
    policies: new PolicyEvaluator(rules, new NoPolicyClasses()),
    stepUps: new StepUpEvaluator({ clock: new ManualClock(), toleranceSecondsOf: () => 0 }),
    sources,
    profiles: { get: () => Promise.reject(new Error('No profile is required here')) },
  });
  const asked: string[] = [];
  const requirePolicy = (name: string, answer: boolean): RouteRequirements => {
    const check = (): boolean => {
      asked.push(name);
      return answer;
    };
    return { online: false, all: [{ kind: 'policy', name, policy: { made: 'by-hand', check } }] };
  };
  return { checker, asked, requirePolicy };
}

const guardContextOf = (context: CallContext): GuardContext => ({ context }) as GuardContext;

describe('a policy', () => {
  it.each([
    ['once for two user objects of one token', 'the.one.token', ['may-list']],
    ['for each of two tokens', 'the.other.token', ['may-list', 'may-list']],
  ])('runs %s', async (_, second, expected) => {
    const { checker, asked, requirePolicy } = setUp();
    const guardContext = guardContextOf(new ExecutionContextHost([{}, {}], Cats, Cats.prototype.list));
    const requirements = requirePolicy('may-list', true);
    for (const text of ['the.one.token', second]) await checker.check(guardContext, userOf(text), requirements);
    expect(asked).toEqual(expected);
  });

  const derivations: [string, (context: ExecutionContextHost) => CallContext][] = [
    ['the same context', (context) => context],
    ['a proxy for it', (context) => new Proxy(context, {})],
    ['an object that inherits from it', (context) => Object.create(context) as CallContext],
    [
      'a copy with all its members',
      (context) =>
        Object.create(
          Object.getPrototypeOf(context) as object,
          Object.getOwnPropertyDescriptors(context),
        ) as CallContext,
    ],
  ];

  it.each(derivations)('runs although another policy has granted the call, with %s', async (_, derive) => {
    const { checker, asked, requirePolicy } = setUp();
    const context = new ExecutionContextHost([{}, {}], Cats, Cats.prototype.list);
    const user = userOf('the.one.token');
    await checker.check(guardContextOf(context), user, requirePolicy('may-list', true));
    const outcome = await outcomeOf(() =>
      checker.check(guardContextOf(derive(context)), user, requirePolicy('may-wipe', false)),
    );
    expect([outcome, asked]).toEqual(['ACCESS_DENIED', ['may-list', 'may-wipe']]);
  });
});
