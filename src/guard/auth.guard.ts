import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';

import { decideWithoutUser } from '../access/decide-without-user.js';
import { challengeOf } from '../challenge/answer.js';
import { type AuthError, isAuthError } from '../errors/auth-error.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { RefusalError } from '../errors/refusal-error.js';
import { EventLog } from '../telemetry/event-log.service.js';
import type { AuthUser } from '../user/auth-user.js';
import { Authenticator } from './authenticator.js';
import { DemandChecker } from './demand-checker.js';
import { isThenable } from './is-thenable.js';
import { RouteRulesReader } from './route-rules-reader.js';
import { Transports } from './transports.js';
import { demandsOf, enter, handlerOf, nobody, refuse, type Visit } from './visit.js';

/**
 * Lets a request with a valid access token through to the handler and puts the user into `request.user`;
 * refuses every other one with the status, the challenge and the body of RFC 6750. Use it on a handler, on a
 * class (`@UseGuards(AuthGuard)`), or on everything (`guardEverything: true`).
 *
 * Beside `@OptionalAuth()` it is not needed, and under `@Public()` it does not look at the token.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  private readonly authenticator: Authenticator;

  constructor(
    @Optional() @Inject(Authenticator) authenticator: Authenticator | undefined,
    @Optional() @Inject(RouteRulesReader) private readonly rules: RouteRulesReader,
    @Optional() @Inject(Transports) private readonly transports: Transports,
    @Optional() @Inject(DemandChecker) private readonly demands: DemandChecker,
    @Optional() @Inject(EventLog) private readonly log: EventLog,
  ) {
    // Optional above, so that the reader of the error learns of the missing line and not of our parts.
    if (authenticator === undefined) {
      throw new ConfigurationError(
        'AuthGuard',
        'it is used in a module that does not see AuthModule',
        'Add AuthModule.forRoot({ issuers: … }) to the imports of the root module; with isGlobal: false, to those of this one',
      );
    }
    this.authenticator = authenticator;
  }

  /** Answers at once where everything is at hand, and only else with a promise. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const transport = this.transports.get(context.getType());
    const rules = this.rules.read(context);
    const visit: Visit = { context, transport, rules, request: transport.view(context) };
    if (rules.mode === 'public') return enter(visit, nobody);
    let user: AuthUser | Promise<AuthUser>;
    try {
      user = rules.demands?.online === true ? this.askOnline(visit) : this.authenticator.authenticate(visit.request);
    } catch (error) {
      return this.enterWithout(visit, error);
    }
    return isThenable(user) ? this.admitLater(visit, user) : this.admit(visit, user);
  }

  private askOnline({ request }: Visit): AuthUser | Promise<AuthUser> {
    const user = this.authenticator.authenticateOnline?.(request);
    if (user !== undefined) return user;
    throw new ConfigurationError(
      'Authenticator',
      'a route demands @VerifyOnline(), and the Authenticator that the app has put in does not ask issuers',
      'Give it authenticateOnline(request)',
    );
  }

  private async admitLater(visit: Visit, promised: AuthUser | Promise<AuthUser>): Promise<boolean> {
    let user: AuthUser;
    try {
      user = await promised;
    } catch (error) {
      return this.enterWithout(visit, error);
    }
    return this.admit(visit, user);
  }

  private admit(visit: Visit, user: AuthUser): boolean | Promise<boolean> {
    const demands = demandsOf(visit);
    if (demands === null) return this.hand(visit, user);
    let checked: void | Promise<void>;
    try {
      checked = this.demands.check(visit, user, demands);
    } catch (error) {
      return this.enterWithout(visit, error);
    }
    return isThenable(checked) ? this.handLater(visit, user, checked) : this.hand(visit, user);
  }

  private async handLater(visit: Visit, user: AuthUser, checked: Promise<void>): Promise<boolean> {
    try {
      await checked;
    } catch (error) {
      return this.enterWithout(visit, error);
    }
    return this.hand(visit, user);
  }

  /** From here on the app speaks: what its `toUser` throws is its answer, on optional routes too. */
  private hand(visit: Visit, user: AuthUser): boolean | Promise<boolean> {
    const appUser = this.authenticator.toAppUser(visit.request, user);
    // Most apps leave the user as is.
    if (appUser === user) return this.admitAs(visit, user, user);
    return isThenable(appUser)
      ? Promise.resolve(appUser).then((made) => this.admitAs(visit, made, user))
      : this.admitAs(visit, appUser, user);
  }

  /** An Authenticator of the app's own may give nobody, whatever its type says. */
  private admitAs(visit: Visit, appUser: unknown, verified: AuthUser): boolean {
    if (appUser !== null && appUser !== undefined) return enter(visit, { user: appUser, verified });
    const refusal = RefusalError.of('ACCESS_DENIED', 'The token is valid, and toUser gave no user for it');
    return this.enterWithout(visit, refusal);
  }

  private enterWithout(visit: Visit, error: unknown): boolean {
    if (!isAuthError(error)) throw error;
    const decision = decideWithoutUser(visit.rules, error);
    this.explain(visit, error, decision.kind === 'anonymous');
    if (decision.kind === 'refuse') throw refuse(visit, error);
    const challenge = decision.challenge ? challengeOf(error) : undefined;
    if (challenge !== undefined) visit.transport.addHeaders(visit.context, { 'WWW-Authenticate': challenge });
    return enter(visit, nobody);
  }

  /** An absent token says nothing where it may be absent. */
  private explain(visit: Visit, error: AuthError, anonymous: boolean): void {
    if (anonymous && error.code === 'MISSING_TOKEN') return;
    if (error instanceof ConfigurationError) {
      this.log.report({ type: 'miswired', problem: error.explanation, mend: error.mend });
    }
    const { code, reason, explanation } = error;
    const handler = handlerOf(visit);
    this.log.explain(visit.request.carrier, { type: 'refused', code, reason, explanation, handler, anonymous });
  }
}
