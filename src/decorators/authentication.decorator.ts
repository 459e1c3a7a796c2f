import { UseGuards, applyDecorators } from '@nestjs/common';
import {
  type OptionalAuthOptions,
  readOptionalAuthOptions,
  writeAcceptedCredentials,
  writeMayOutliveToken,
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
 * Makes a handler, or every handler of a class, public: the guard does not read the token, and `@CurrentUser()` gives
 * `null`. A decorator on a handler takes precedence over one on its class; `@UseGuards(AuthGuard)` on a handler counts
 * as such a decorator.
 *
 * Use `@OptionalAuth()` where the handler needs to know the user if there is one.
 */
export function Public(): ClassDecorator & MethodDecorator {
  return applyToTarget('@Public', { mode: 'public' });
}

/**
 * Makes authentication optional for a handler, or for every handler of a class: `@CurrentUser()` gives the user of a
 * valid token, and `null` without one. Includes the guard.
 *
 * A refused token gives `null` as well, and the response has a challenge with the reason, so that the client can refresh
 * the token. A malformed header or two different tokens are answered with 400, as on every route. Omitted `options`
 * default to those of `AuthModule.forRoot({ optionalAuth })`.
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
 * Verifies the token of each call to a handler, or to any handler of a class, at the issuer. A token that was revoked
 * after it was signed, or whose user was deleted, is refused with 401 `INVALID_TOKEN`. While the issuer does not answer,
 * the response is 503. The token is verified locally first, so forged tokens cause no call. Includes the guard.
 *
 * It requires an issuer that supports it: `stackAuth`, `propelAuth`, or `oidc({ introspection })`. A token of another
 * issuer is answered with 500, and the log names the missing option. Together with `@OptionalAuth()`, `onInvalid`
 * applies to a token that the issuer refuses, and `onUnavailable` to an issuer that does not answer.
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

/**
 * Lets the responses of a handler, or of every handler of a class, go on after their token has expired or was revoked: server-sent
 * events, streamed bodies, subscriptions of GraphQL, streams of gRPC. Without it they end with the token. Whoever got hold of the token
 * once keeps such a response for as long as the handler sends; the handler has to decide when to stop.
 *
 * It has no effect on gateways, and it does not bring the guard along. A connection of graphql-ws ends with its token as soon as one of its
 * subscriptions does not have the decorator.
 */
export function ResponseMayOutliveToken(): ClassDecorator & MethodDecorator {
  return onTarget('@ResponseMayOutliveToken', writeMayOutliveToken);
}
