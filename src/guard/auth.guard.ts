import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';

import type { GuardContext } from '../access/guard-context.js';
import { RequirementChecker } from '../access/requirement-checker.js';
import { RouteRulesReader } from '../access/route-rules.js';
import { Authenticator, authenticateOnline } from '../authentication/authenticator.js';
import { RefusalError, requireAuthModule } from '../errors/auth-error.js';
import { isThenable, type MaybePromise } from '../token/maybe-promise.js';
import { CallAnswers } from '../transports/call-answers.js';
import { anonymousCaller, type Caller, type Transport } from '../transports/transport.js';
import { Transports } from '../transports/transports.js';
import type { AuthUser } from '../user/auth-user.js';
import { authGuardBrand } from './nest-internals.js';

type Call = GuardContext<Transport>;

/**
 * Lets a request with a valid credential through to the handler and puts the user into `request.user`; refuses every
 * other one with the status, the challenge and the body of RFC 6750. Use it on a handler, on a class
 * (`@UseGuards(AuthGuard)`), or on everything (`guardEverything: true`).
 *
 * `@OptionalAuth()` brings it along. Under `@Public()` it does not look at the credential.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  private readonly authenticator: Authenticator;

  constructor(
    @Optional() @Inject(Authenticator) authenticator: Authenticator | undefined,
    @Optional() @Inject(RouteRulesReader) private readonly rules: RouteRulesReader,
    @Optional() @Inject(Transports) private readonly transports: Transports,
    @Optional() @Inject(RequirementChecker) private readonly requirements: RequirementChecker,
    @Optional() @Inject(CallAnswers) private readonly answers: CallAnswers,
  ) {
    // Optional, so that the error names the missing line and not a part of this package.
    this.authenticator = requireAuthModule('AuthGuard', authenticator);
  }

  get [authGuardBrand](): true {
    return true;
  }

  /** Answers at once where everything is in memory, else by a promise. */
  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const transport = this.transports.get(context.getType());
    const call: Call = { context, transport, rules: this.rules.read(context), view: transport.view(context) };
    if (call.rules.mode === 'public') return admit(call, anonymousCaller);
    let user: MaybePromise<AuthUser>;
    let authorized: MaybePromise<AuthUser>;
    try {
      user = this.authenticate(call);
      authorized = isThenable(user)
        ? user.then((proven) => this.requirements.authorize(call, proven))
        : this.requirements.authorize(call, user);
    } catch (error) {
      return this.answers.continueWithoutUser(call, error);
    }
    // The same object, and so no promise: everything was decided at once.
    if (authorized === user) return this.admit(call, user as AuthUser);
    return (authorized as Promise<AuthUser>).then(
      (proven) => this.admit(call, proven),
      (error: unknown) => this.answers.continueWithoutUser(call, error),
    );
  }

  private authenticate({ rules, view }: Call): MaybePromise<AuthUser> {
    const online = rules.mode !== 'public' && rules.requirements?.online === true;
    return online ? authenticateOnline(this.authenticator, view) : this.authenticator.authenticate(view);
  }

  /** What `toUser` throws is the app's answer, on optional routes too. */
  private admit(call: Call, verified: AuthUser): MaybePromise<boolean> {
    const appUser = this.authenticator.toAppUser(call.view, verified);
    if (appUser === verified || !isThenable(appUser)) return this.admitAs(call, appUser, verified);
    return Promise.resolve(appUser).then((made) => this.admitAs(call, made, verified));
  }

  private admitAs(call: Call, user: unknown, verified: AuthUser): true {
    // An Authenticator of the app's own may give no user, whatever its type says.
    if (user === null || user === undefined) return this.answers.continueWithoutUser(call, RefusalError.unknownUser());
    return admit(call, { user, verified });
  }
}

function admit({ transport, context }: Call, caller: Caller): true {
  transport.setUser(context, caller);
  return true;
}
