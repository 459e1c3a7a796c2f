import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';

import { decideWithoutUser } from '../access/decision.js';
import { challengeOf } from '../challenge/error-answers.js';
import { isAuthError, ConfigurationError, RefusalError, type AuthError } from '../errors/auth-error.js';
import { EventLog } from '../telemetry/event-log.service.js';
import type { AuthUser } from '../user/auth-user.js';
import { Authenticator } from '../authentication/authenticator.js';
import { RequirementChecker } from '../access/requirement-checker.js';
import { isThenable } from '../token/maybe-promise.js';
import { RouteRulesReader } from '../access/route-rules.js';
import { Transports } from '../transports/transports.js';
import { type GuardContext as CallGuardContext, handlerNameOf, requirementsOf } from '../access/guard-context.js';
import { admit, anonymousCaller, refuse, type Transport } from '../transports/transport.js';

type GuardContext = CallGuardContext<Transport>;

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
    @Optional() @Inject(RequirementChecker) private readonly requirements: RequirementChecker,
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
    const guardContext: GuardContext = { context, transport, rules, view: transport.view(context) };
    if (rules.mode === 'public') return admit(guardContext, anonymousCaller);
    let user: AuthUser | Promise<AuthUser>;
    try {
      user =
        rules.requirements?.online === true
          ? this.askOnline(guardContext)
          : this.authenticator.authenticate(guardContext.view);
    } catch (error) {
      return this.enterWithout(guardContext, error);
    }
    return isThenable(user) ? this.admitLater(guardContext, user) : this.admit(guardContext, user);
  }

  private askOnline({ view }: GuardContext): AuthUser | Promise<AuthUser> {
    const user = this.authenticator.authenticateOnline?.(view);
    if (user !== undefined) return user;
    throw new ConfigurationError(
      'Authenticator',
      'a route requires @VerifyOnline(), and the Authenticator that the app has put in does not ask issuers',
      'Give it authenticateOnline(request)',
    );
  }

  private async admitLater(guardContext: GuardContext, promised: AuthUser | Promise<AuthUser>): Promise<boolean> {
    let user: AuthUser;
    try {
      user = await promised;
    } catch (error) {
      return this.enterWithout(guardContext, error);
    }
    return this.admit(guardContext, user);
  }

  private admit(guardContext: GuardContext, user: AuthUser): boolean | Promise<boolean> {
    const requirements = requirementsOf(guardContext);
    if (requirements === null) return this.hand(guardContext, user);
    let checked: void | Promise<void>;
    try {
      checked = this.requirements.check(guardContext, user, requirements);
    } catch (error) {
      return this.enterWithout(guardContext, error);
    }
    return isThenable(checked) ? this.handLater(guardContext, user, checked) : this.hand(guardContext, user);
  }

  private async handLater(guardContext: GuardContext, user: AuthUser, checked: Promise<void>): Promise<boolean> {
    try {
      await checked;
    } catch (error) {
      return this.enterWithout(guardContext, error);
    }
    return this.hand(guardContext, user);
  }

  /** From here on the app speaks: what its `toUser` throws is its answer, on optional routes too. */
  private hand(guardContext: GuardContext, user: AuthUser): boolean | Promise<boolean> {
    const appUser = this.authenticator.toAppUser(guardContext.view, user);
    // Most apps leave the user as is.
    if (appUser === user) return this.admitAs(guardContext, user, user);
    return isThenable(appUser)
      ? Promise.resolve(appUser).then((made) => this.admitAs(guardContext, made, user))
      : this.admitAs(guardContext, appUser, user);
  }

  /** An Authenticator of the app's own may give anonymousCaller, whatever its type says. */
  private admitAs(guardContext: GuardContext, appUser: unknown, verified: AuthUser): boolean {
    if (appUser !== null && appUser !== undefined) return admit(guardContext, { user: appUser, verified });
    const refusal = RefusalError.of('ACCESS_DENIED', 'The token is valid, and toUser gave no user for it');
    return this.enterWithout(guardContext, refusal);
  }

  private enterWithout(guardContext: GuardContext, error: unknown): boolean {
    if (!isAuthError(error)) throw error;
    const decision = decideWithoutUser(guardContext.rules, error);
    this.explain(guardContext, error, decision.kind === 'anonymous');
    if (decision.kind === 'refuse') throw refuse(guardContext, error);
    const challenge = decision.challenge ? challengeOf(error) : undefined;
    if (challenge !== undefined)
      guardContext.transport.addHeaders(guardContext.context, { 'WWW-Authenticate': challenge });
    return admit(guardContext, anonymousCaller);
  }

  /** An absent token says nothing where it may be absent. */
  private explain(guardContext: GuardContext, error: AuthError, anonymous: boolean): void {
    if (anonymous && error.code === 'MISSING_TOKEN') return;
    if (error instanceof ConfigurationError) {
      this.log.report({ type: 'misconfigured', problem: error.explanation, fix: error.fix });
    }
    const { code, reason, explanation } = error;
    const handler = handlerNameOf(guardContext);
    this.log.explain(guardContext.view.request, { type: 'refused', code, reason, explanation, handler, anonymous });
  }
}
