import { ConfigurationError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';

/** Authenticates requests. The guard and the passport strategy call it. */
export abstract class Authenticator {
  /**
   * Returns the user whose credential the request carries: synchronously if the credential was verified before,
   * otherwise a promise. A second call for the same request does not verify the credential again.
   *
   * @throws {RefusalError} when the request has no credential, or one that is not accepted.
   * @throws {AuthUnavailableError} when the credential cannot be verified now.
   */
  abstract authenticate(request: RequestView): MaybePromise<AuthUser>;

  /**
   * The same as `authenticate`, with an introspection of the token for this request. Routes with `@VerifyOnline()` call
   * it. Without this method, such a route answers every request with an error.
   *
   * @throws {RefusalError} also when the issuer reports that the token is not active.
   * @throws {AuthUnavailableError} also when the issuer does not answer.
   * @throws {ConfigurationError} when introspection is not configured for the issuer.
   */
  authenticateOnline?(request: RequestView): MaybePromise<AuthUser>;

  /**
   * Until when a connection may stay open although the credential that it was opened with has expired; `null` when it
   * must be closed. Without this method, it is closed.
   *
   * @param request the request of the connection
   * @param user the user whom `authenticate` returned for the connection before the credential expired
   * @throws {RefusalError} when the credential was revoked.
   * @throws {AuthUnavailableError} when it is not known now.
   */
  extend?(request: RequestView, user: AuthUser): MaybePromise<Date | null>;

  /**
   * Returns the result of the app's `toUser` for the user, or a promise of it; `null` when the app does not know the
   * user. `toUser` is called once for each request and token. Its errors are not caught.
   */
  abstract toAppUser(request: RequestView, user: AuthUser): unknown;
}

/** @throws {ConfigurationError} when the app has replaced the `Authenticator` by one without `authenticateOnline`. */
export function authenticateOnline(authenticator: Authenticator, request: RequestView): MaybePromise<AuthUser> {
  const user = authenticator.authenticateOnline?.(request);
  if (user !== undefined) return user;
  throw new ConfigurationError(
    'Authenticator',
    'a route requires @VerifyOnline(), and the Authenticator that the app provides has no authenticateOnline',
    'Add the method authenticateOnline(request)',
  );
}
