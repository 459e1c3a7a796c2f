import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  Optional,
} from '@nestjs/common';

import { decideWithoutUser } from '../access/decide-without-user.js';
import type { RouteRules } from '../access/route-rules.js';
import { challengeOf, toAnswer } from '../challenge/answer.js';
import { type AuthError, isAuthError } from '../errors/auth-error.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { RefusalError } from '../errors/refusal-error.js';
import { EventLog } from '../telemetry/event-log.service.js';
import type { AuthUser } from '../user/auth-user.js';
import { Authenticator } from './authenticator.js';
import { RouteRulesReader } from './route-rules-reader.js';
import type { Transport } from './transport.js';
import { Transports } from './transports.js';

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

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const transport = this.transports.find(context.getType());
    if (transport === undefined)
      throw new ForbiddenException(undefined, { cause: Transports.refusal(context.getType()) });
    const rules = this.rules.read(context);
    transport.setUser(context, rules.mode === 'public' ? null : await this.admit(context, transport, rules));
    return true;
  }

  /** @returns what the handler gets for its user; `null` where it may run without one. */
  private async admit(context: ExecutionContext, transport: Transport, rules: RouteRules): Promise<unknown> {
    const request = transport.view(context);
    let user: AuthUser;
    try {
      user = await this.authenticator.authenticate(request);
    } catch (error) {
      return this.goOnWithout(context, transport, rules, error);
    }
    // From here on the app speaks: what its toUser throws is its answer, on optional routes too.
    const appUser = await this.authenticator.toAppUser(request, user);
    if (appUser !== null) return appUser;
    const unknown = RefusalError.of('ACCESS_DENIED', 'The token is valid, and toUser gave no user for it');
    return this.goOnWithout(context, transport, rules, unknown);
  }

  private goOnWithout(context: ExecutionContext, transport: Transport, rules: RouteRules, error: unknown): null {
    if (!isAuthError(error)) throw error;
    const decision = decideWithoutUser(rules, error);
    this.explain(context, transport.view(context).carrier, error, decision.kind === 'anonymous');
    if (decision.kind === 'refuse') {
      const answer = toAnswer(error);
      transport.addHeaders(context, answer.headers);
      throw transport.toException(answer, error);
    }
    const challenge = decision.challenge ? challengeOf(error) : undefined;
    if (challenge !== undefined) transport.addHeaders(context, { 'WWW-Authenticate': challenge });
    return null;
  }

  /** A fault has been reported by what failed, once for the whole outage; here are the refusals. */
  private explain(context: ExecutionContext, request: object, error: AuthError, anonymous: boolean): void {
    if (error.code === 'SERVER_ERROR' || (anonymous && error.code === 'MISSING_TOKEN')) return;
    const { code, reason, explanation } = error;
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    this.log.explain(request, { type: 'refused', code, reason, explanation, handler, anonymous });
  }
}
