import { decide } from '../access/decide.js';
import type { RouteDemands } from '../access/route-rules.js';
import type { AuthUser } from '../user/auth-user.js';
import type { Visit } from './visit.js';

/** Asks of a user what the route demands beyond being one. */
export class DemandChecker {
  /**
   * Nothing, or a promise of it, when every demand is met.
   *
   * @throws {RefusalError} for the first one that is not.
   * @throws {FaultError} when it cannot be found out.
   */
  check(_visit: Visit, user: AuthUser, demands: RouteDemands): void | Promise<void> {
    for (const requirement of demands.requirements) {
      const decision = decide(requirement, user);
      if (decision.kind === 'refused') throw decision.refusal;
    }
  }
}
