import {
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  Optional,
  type PipeTransform,
  type Type,
} from '@nestjs/common';

import { isAuthError } from '../errors/auth-error.js';
import { requireAuthModule } from '../errors/require-auth-module.js';
import { Authenticator } from '../authentication/authenticator.js';
import { CallAnswers } from '../transports/call-answers.js';
import { Transports } from '../transports/transports.js';
import { findUser } from '../transports/call-user.js';
import { RequestProfiles } from '../profiles/user-profile.service.js';
import type { UserProfile } from '../profiles/user-profile.js';

/** A pipe, or the class of one. */
type Pipe = Type<PipeTransform> | PipeTransform;

/**
 * Passes the execution context from the parameter decorator to the pipe, which can inject services and a decorator
 * cannot. The app's global pipes run in between; the context is private, so that they cannot change it.
 */
class CallArgument {
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
    @Optional() @Inject(CallAnswers) private readonly answers: CallAnswers,
  ) {
    // The parameters are optional, so that this error names the missing import instead of an internal service.
    this.profiles = requireAuthModule('@CurrentProfile', profiles);
    this.profiles.checkCapabilities('@CurrentProfile');
  }

  async transform(value: unknown): Promise<UserProfile | null> {
    const context = CallArgument.contextOf(value);
    if (context === undefined) throw new Error('A global pipe has replaced the argument of @CurrentProfile()');
    // The guard sets no user for a public route or an anonymous caller, and then there is no profile to look up.
    if ((findUser(context) ?? null) === null) return null;
    const transport = this.transports.get(context.getType());
    const call = { context, transport, view: transport.view(context) };
    try {
      // `toUser` may have replaced the user, and the look-up needs the AuthUser of the token. The guard has already
      // authenticated the request, so this call only reads the result.
      const user = await this.authenticator.authenticate(call.view);
      return await this.profiles.get(call.view.request, user);
    } catch (error) {
      throw isAuthError(error) ? this.answers.refuse(call, error) : error;
    }
  }
}

const takeCall = createParamDecorator((_: undefined, context: ExecutionContext) => new CallArgument(context));

/**
 * Injects the caller's current profile at their provider; `null` where there is no user: with `@Public()`, and for an
 * anonymous caller with `@OptionalAuth()`. The profile is looked up once per request, only for handlers that use it, and
 * `UserProfileService` caches it. Pipes may follow.
 *
 * An app that uses it does not start when no issuer has a profile source. A user whom the provider has deleted or
 * disabled gets 401 with reason `revoked`. A provider that does not answer, where no usable profile is cached, causes a
 * 503 with `Retry-After`.
 */
export function CurrentProfile(...pipes: Pipe[]): ParameterDecorator {
  return takeCall(undefined, CurrentProfilePipe, ...pipes);
}
