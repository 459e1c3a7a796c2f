import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, it } from 'vitest';
import { PermissionSources } from '../../../src/access/permission-sources.js';
import type { RouteDemands } from '../../../src/access/route-rules.js';
import { AppRules } from '../../../src/guard/app-rules.js';
import { DemandChecker } from '../../../src/guard/demand-checker.js';
import { OrganizationJudge } from '../../../src/guard/organization-judge.js';
import { PolicyJudge, PolicyMaker } from '../../../src/guard/policy-judge.js';
import type { CallContext } from '../../../src/guard/transport.js';
import type { Visit } from '../../../src/guard/visit.js';
import { ExpiringMemory } from '../../../src/profiles/expiring-memory.js';
import { toVerifiedToken } from '../../../src/token/verified-token.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { mapStandardClaims } from '../../../src/user/standard-claims.js';
import { toAuthUser } from '../../../src/user/verified-user.js';
import { HandClock } from '../../support/hand-clock.js';
import { outcomeOf } from '../../support/outcome.js';

class Cats {
  list(): void {
    // Never called: a place to demand things of.
  }
}

class NoPolicyClasses extends PolicyMaker {
  override get(): never {
    throw new Error('There is none here');
  }
}

/** One user out of one token, judged twice at the same time, is two objects. */
function userOf(text: string): AuthUser {
  const token = toVerifiedToken('https://issuer.example', { alg: 'ES256' }, Object.freeze({ sub: 'alice', exp: 2e9 }));
  return toAuthUser(text, token, { provider: 'oidc', map: mapStandardClaims });
}

function setUp(): { checker: DemandChecker; asked: string[]; demand: (name: string, answer: boolean) => RouteDemands } {
  const rules = new AppRules(() => undefined);
  const sources = new PermissionSources(new Map(), new ExpiringMemory({ maxEntries: 0, clock: new HandClock() }));
  const checker = new DemandChecker({
    organizations: new OrganizationJudge(rules, sources),
    policies: new PolicyJudge(rules, new NoPolicyClasses()),
    sources,
    profiles: { get: () => Promise.reject(new Error('No profile is demanded here')) },
  });
  const asked: string[] = [];
  const demand = (name: string, answer: boolean): RouteDemands => {
    const check = (): boolean => {
      asked.push(name);
      return answer;
    };
    return { online: false, requirements: [{ kind: 'policy', name, policy: { made: 'by-hand', check } }] };
  };
  return { checker, asked, demand };
}

const visitOf = (context: CallContext): Visit => ({ context }) as Visit;

describe('a policy', () => {
  it.each([
    ['once, when two verdicts on one token have made two users of it', 'the.one.token', ['may-list']],
    ['about each of two users', 'the.other.token', ['may-list', 'may-list']],
  ])('is asked for a call %s', async (_, second, expected) => {
    const { checker, asked, demand } = setUp();
    const visit = visitOf(new ExecutionContextHost([{}, {}], Cats, Cats.prototype.list));
    const demands = demand('may-list', true);
    for (const text of ['the.one.token', second]) await checker.check(visit, userOf(text), demands);
    expect(asked).toEqual(expected);
  });

  const derivations: [string, (context: ExecutionContextHost) => CallContext][] = [
    ['the same context', (context) => context],
    ['a proxy for it', (context) => new Proxy(context, {})],
    ['an heir of it', (context) => Object.create(context) as CallContext],
    [
      'a copy of all its members',
      (context) =>
        Object.create(
          Object.getPrototypeOf(context) as object,
          Object.getOwnPropertyDescriptors(context),
        ) as CallContext,
    ],
  ];

  it.each(derivations)('is asked although another one has granted the call, on %s', async (_, derive) => {
    const { checker, asked, demand } = setUp();
    const context = new ExecutionContextHost([{}, {}], Cats, Cats.prototype.list);
    const user = userOf('the.one.token');
    await checker.check(visitOf(context), user, demand('may-list', true));
    const outcome = await outcomeOf(() => checker.check(visitOf(derive(context)), user, demand('may-wipe', false)));
    expect([outcome, asked]).toEqual(['ACCESS_DENIED', ['may-list', 'may-wipe']]);
  });
});
