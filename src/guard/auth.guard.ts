import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import type { GuardContext } from '../access/guard-context.js';
import { RequirementChecker } from '../access/requirement-checker.js';
import { type RouteRules, RouteRulesReader } from '../access/route-rules.js';
import { Authenticator, authenticateOnline } from '../authentication/authenticator.js';
import { isExpiry, RefusalError } from '../errors/auth-error.js';
import { requireAuthModule } from '../errors/require-auth-module.js';
import { isThenable, type MaybePromise } from '../token/maybe-promise.js';
import { CallAnswers } from '../transports/call-answers.js';
import { anonymousCaller, type Caller, type Transport } from '../transports/transport.js';
import { Transports } from '../transports/transports.js';
import type { AuthUser } from '../user/auth-user.js';
import { findModulesWithout } from './modules-without-auth.js';
import { authGuardBrand } from './nest-internals.js';

type Call = GuardContext<Transport>;

/**
 * Protects a handler: a request with a valid credential reaches it with the user in `request.user`, and every other request is
 * refused with the status, challenge and body of RFC 6750. Use the guard on a handler or a class (`@UseGuards(AuthGuard)`), or on
 * all handlers (`guardEverything: true`).
 *
 * `@OptionalAuth()` and the `@Require…` decorators add the guard. With `@Public()` it does not read the credential.
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
    @Optional() @Inject(ModulesContainer) modules?: ModulesContainer,
  ) {
    // The parameters are optional so that a missing AuthModule is a ConfigurationError that names the fix.
    this.authenticator = requireAuthModule('AuthGuard', authenticator, () =>
      findModulesWithout(Authenticator, new.target, modules),
    );
  }

  get [authGuardBrand](): true {
    return true;
  }

  /** Synchronous if the answer is in memory; otherwise a promise. */
  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const transport = this.transports.find(context.getType());
    if (transport === undefined) return this.acceptUnread(context);
    const call: Call = { context, transport, rules: this.rules.read(context), view: transport.view(context) };
    if (call.rules.mode === 'public') return admitCaller(call, anonymousCaller);
    let user: MaybePromise<AuthUser>, authorized: MaybePromise<AuthUser>;
    try {
      user = this.authenticate(call);
      authorized = isThenable(user)
        ? user.then((verified) => this.requirements.authorize(call, verified))
        : this.requirements.authorize(call, user);
    } catch (error) {
      return this.continueAfter(call, error);
    }
    // `authorize` returns the user itself if it decides synchronously, so the same object is no promise.
    if (authorized === user) return this.admit(call, user as AuthUser);
    return (authorized as Promise<AuthUser>).then(
      (verified) => this.admit(call, verified),
      (error: unknown) => this.continueAfter(call, error),
    );
  }

  /** A call of another library, of whose caller nothing can be read. */
  private acceptUnread(context: ExecutionContext): true {
    const isPublic = this.rules.read(context).mode === 'public';
    return this.transports.acceptUnread(context.getType(), { isPublic, isDeclared: this.rules.isDeclared(context) });
  }

  private authenticate({ rules, view }: Call): MaybePromise<AuthUser> {
    return isOnline(rules) ? authenticateOnline(this.authenticator, view) : this.authenticator.authenticate(view);
  }

  /** A connection may stay open after its credential has expired. Its messages are then accepted as its user's. */
  private continueAfter(call: Call, error: unknown): MaybePromise<boolean> {
    const mayOutlive = isExpiry(error) && !isOnline(call.rules) && call.transport.findExtendedUser !== undefined;
    return mayOutlive ? this.continueExtended(call, error) : this.answers.continueWithoutUser(call, error);
  }

  private async continueExtended(call: Call, expiry: RefusalError): Promise<boolean> {
    let user: AuthUser | null;
    try {
      user = (await call.transport.findExtendedUser?.(call.context)) ?? null;
      if (user === null) throw expiry;
      await this.requirements.authorize(call, user);
    } catch (error) {
      return this.answers.continueWithoutUser(call, error);
    }
    return this.admit(call, user);
  }

  /** Lets the call through with what `toUser` makes of the user. An error of `toUser` is not caught, even if the user is optional. */
  private admit(call: Call, verified: AuthUser): MaybePromise<boolean> {
    const appUser = this.authenticator.toAppUser(call.view, verified);
    if (appUser === verified || !isThenable(appUser)) return this.admitAs(call, appUser, verified);
    return Promise.resolve(appUser).then((resolved) => this.admitAs(call, resolved, verified));
  }

  private admitAs(call: Call, appUser: unknown, verified: AuthUser): true {
    // `null` is a user whom the app does not know. An Authenticator of the app may return undefined, whatever its type says.
    if (appUser === null || appUser === undefined) {
      return this.answers.continueWithoutUser(call, RefusalError.unknownUser());
    }
    const { rules } = call;
    if (rules.mode !== 'public' && rules.requirements !== null) this.answers.noteRequirements(call, rules.requirements);
    this.answers.addHeadersOfSuccess(call);
    const mayOutliveToken = rules.mode !== 'public' && rules.mayOutliveToken;
    return admitCaller(call, { user: appUser, verified, online: isOnline(rules), mayOutliveToken });
  }
}

function isOnline(rules: RouteRules): boolean {
  return rules.mode !== 'public' && rules.requirements?.online === true;
}

function admitCaller({ transport, context }: Call, caller: Caller): true {
  transport.setUser(context, caller);
  return true;
}
