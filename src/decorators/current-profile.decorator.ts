import {
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  Optional,
  type PipeTransform,
  type Type,
} from '@nestjs/common';

import { isAuthError, ConfigurationError, type AuthError } from '../errors/auth-error.js';
import { Authenticator } from '../authentication/authenticator.js';
import { Transports } from '../transports/transports.js';
import { findUser } from '../transports/call-user.js';
import { type GuardContext, handlerNameOf } from '../access/guard-context.js';
import { refuse, type Transport } from '../transports/transport.js';
import { RequestProfiles } from '../profiles/user-profile.service.js';
import type { UserProfile } from '../profiles/user-profile.js';
import { EventLog } from '../telemetry/event-log.service.js';

/** A pipe, or the class of one. */
type Pipe = Type<PipeTransform> | PipeTransform;

/**
 * The call of a handler on its way to the pipe that has the services, which a decorator has not. Pipes of the whole
 * app come before that one, and see nothing in it to change.
 */
class CallInHand {
  readonly #context: ExecutionContext;

  constructor(context: ExecutionContext) {
    this.#context = context;
  }

  static contextOf(value: unknown): ExecutionContext | undefined {
    return typeof value === 'object' && value !== null && #context in value ? value.#context : undefined;
  }
}

@Injectable()
class CurrentProfilePipe implements PipeTransform {
  private readonly profiles: RequestProfiles;

  constructor(
    @Optional() @Inject(RequestProfiles) profiles: RequestProfiles | undefined,
    @Optional() @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Optional() @Inject(Transports) private readonly transports: Transports,
    @Optional() @Inject(EventLog) private readonly log: EventLog,
  ) {
    // Optional above, so that the reader of the error learns of the missing line and not of our parts.
    if (profiles === undefined) {
      throw new ConfigurationError(
        '@CurrentProfile',
        'it is used in a module that does not see AuthModule',
        'Add AuthModule.forRoot({ issuers: … }) to the imports of the root module; with isGlobal: false, to those of this one',
      );
    }
    profiles.checkCapabilities('@CurrentProfile');
    this.profiles = profiles;
  }

  async transform(value: unknown): Promise<UserProfile | null> {
    const context = CallInHand.contextOf(value);
    if (context === undefined) throw new Error('A pipe before @CurrentProfile() has put something else in its place');
    // What the guard has decided holds: under @Public(), and for a guest, there is anonymousCaller to look up.
    if ((findUser(context) ?? null) === null) return null;
    const transport = this.transports.get(context.getType());
    const guardContext = { context, transport, view: transport.view(context) };
    try {
      // Whom toUser has made of the caller says nothing of the token, which is judged already.
      const user = await this.authenticator.authenticate(guardContext.view);
      return await this.profiles.get(guardContext.view.request, user);
    } catch (error) {
      if (!isAuthError(error)) throw error;
      this.explain(guardContext, error);
      throw refuse(guardContext, error);
    }
  }

  private explain(guardContext: Omit<GuardContext<Transport>, 'rules'>, error: AuthError): void {
    const { code, reason, explanation } = error;
    if (error instanceof ConfigurationError) {
      this.log.report({ type: 'misconfigured', problem: explanation, fix: error.fix });
    }
    const handler = handlerNameOf(guardContext);
    this.log.explain(guardContext.view.request, {
      type: 'refused',
      code,
      reason,
      explanation,
      handler,
      anonymous: false,
    });
  }
}

const takeCall = createParamDecorator((_: undefined, context: ExecutionContext) => new CallInHand(context));

/**
 * The caller's profile, as their provider knows them now; `null` where there is no user: under `@Public()`, and under
 * `@OptionalAuth()` for a guest. Looked up once for a request, and only where it is used; `UserProfileService` remembers it
 * for a while. Pipes may follow.
 *
 * An app that uses it does not start when no issuer gives profiles. A user whom the provider has deleted, or bars, is a 401 with reason `revoked`; a provider that cannot be asked about a user
 * who is not known either, a 503 with `Retry-After`.
 */
export function CurrentProfile(...pipes: Pipe[]): ParameterDecorator {
  return takeCall(undefined, CurrentProfilePipe, ...pipes);
}
