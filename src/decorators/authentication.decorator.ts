import { UseGuards, applyDecorators } from '@nestjs/common';
import { readOptionalAuthOptions, type OptionalAuthOptions } from '../access/route-metadata.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { applyToTarget, guardedRequirement } from './guarded-requirement.decorator.js';

/**
 * Opens a handler, or every handler of a class, to everybody: the guard does not look at the token, and
 * `@CurrentUser()` gives `null`. A mark on a handler counts more than one on its class, and
 * `@UseGuards(AuthGuard)` on a handler is such a mark.
 *
 * To know the user where there is one, use `@OptionalAuth()`.
 */
export function Public(): ClassDecorator & MethodDecorator {
  return applyToTarget('@Public', { mode: 'public' });
}

/**
 * Lets everybody through to a handler, or to every handler of a class, and knows the user where a valid
 * token came: `@CurrentUser()` gives the user or `null`. Brings the guard along.
 *
 * A token that is refused gives `null` too, and the answer then carries a challenge with the reason, so that
 * the client knows to refresh it; a malformed header or two different tokens are 400 here as anywhere. What
 * is left out of `options` is as in `AuthModule.forRoot({ optionalAuth })`.
 *
 * @throws {ConfigurationError} for an unknown option or value, when the class is loaded.
 */
export function OptionalAuth(options: OptionalAuthOptions = {}): ClassDecorator & MethodDecorator {
  return applyDecorators(
    applyToTarget('@OptionalAuth', { mode: 'optional', options: readOptionalAuthOptions('@OptionalAuth', options) }),
    UseGuards(AuthGuard),
  );
}

/**
 * Has the issuer asked about the token of each call before it gets to a handler, or to any handler of a class: one that
 * was revoked since it was signed, or whose user is gone, is refused there (401 `INVALID_TOKEN`), and 503 is the
 * answer while the issuer does not say. Tokens are judged here first, so that no forged one is asked about. Brings the
 * guard along.
 *
 * It takes an issuer that can be asked: `stackAuth`, `propelAuth`, or `oidc({ introspection })`. A token of any other
 * is answered with 500, and the log names the option that is missing. Under `@OptionalAuth()` a token that the issuer
 * refuses goes by `onInvalid`, and an issuer that does not answer by `onUnavailable`.
 */
export function VerifyOnline(): ClassDecorator & MethodDecorator {
  return guardedRequirement('@VerifyOnline', { kind: 'online' });
}
