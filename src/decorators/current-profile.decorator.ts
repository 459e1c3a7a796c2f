import {
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  Optional,
  type PipeTransform,
  type Type,
} from '@nestjs/common';

import { isAuthError, requireAuthModule } from '../errors/auth-error.js';
import { Authenticator } from '../authentication/authenticator.js';
import { CallAnswers } from '../transports/call-answers.js';
import { Transports } from '../transports/transports.js';
import { findUser } from '../transports/call-user.js';
import { RequestProfiles } from '../profiles/user-profile.service.js';
import type { UserProfile } from '../profiles/user-profile.js';

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
    @Optional() @Inject(CallAnswers) private readonly answers: CallAnswers,
  ) {
    // Optional, so that the error names the missing line and not a part of this package.
    this.profiles = requireAuthModule('@CurrentProfile', profiles);
    this.profiles.checkCapabilities('@CurrentProfile');
  }

  async transform(value: unknown): Promise<UserProfile | null> {
    const context = CallInHand.contextOf(value);
    if (context === undefined) throw new Error('A pipe before @CurrentProfile() has put something else in its place');
    // What the guard has decided holds: under @Public(), and for a guest, there is anonymousCaller to look up.
    if ((findUser(context) ?? null) === null) return null;
    const transport = this.transports.get(context.getType());
    const call = { context, transport, view: transport.view(context) };
    try {
      // `toUser` may have made anything of the caller, so the verified user is asked for again. It costs nothing.
      const user = await this.authenticator.authenticate(call.view);
      return await this.profiles.get(call.view.request, user);
    } catch (error) {
      throw isAuthError(error) ? this.answers.refuse(call, error) : error;
    }
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
