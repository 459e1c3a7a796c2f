import { applyDecorators, UseGuards } from '@nestjs/common';

import { type OptionalAuthOptions, readOptionalAuthOptions } from '../access/optional-auth-options.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { applyToTarget } from './apply-to-target.js';

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
