import { UseGuards, applyDecorators } from '@nestjs/common';
import {
  type OptionalAuthOptions,
  readOptionalAuthOptions,
  writeAcceptedCredentials,
} from '../access/route-metadata.js';
import { AuthGuard } from '../guard/auth.guard.js';
import type { UserCredential } from '../user/auth-user.js';
import {
  applyToTarget,
  guardedRequirement,
  isPlainName,
  onTarget,
  readNames,
} from './guarded-requirement.decorator.js';

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

/**
 * Limits a handler, or every handler of a class, to callers with one of these kinds of credentials: `'access-token'`,
 * `'api-key'`, or the kind of a scheme of the app's own. Others get 401 `INVALID_TOKEN` with reason `type`. Without it every
 * configured kind is accepted. The decorator on a handler replaces the one on its class. Brings the guard along.
 *
 * @throws {ConfigurationError} when it names no kind, when the class is loaded.
 */
export function AcceptCredentials(...kinds: UserCredential['kind'][]): ClassDecorator & MethodDecorator {
  const form = { noun: 'kind of credential', isName: isPlainName, example: "@AcceptCredentials('api-key')" };
  const accepted = readNames('@AcceptCredentials', kinds, form);
  const limit = onTarget('@AcceptCredentials', (target) => {
    writeAcceptedCredentials(target, accepted);
  });
  return applyDecorators(limit, UseGuards(AuthGuard));
}
