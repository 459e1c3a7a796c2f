import { ConfigurationError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';

/** Tells who makes a request. The guard and the passport strategy both ask it. */
export abstract class Authenticator {
  /**
   * The user whose access token the request carries: at once where the token has passed before, else a
   * promise. Asked twice about one request, it works once.
   *
   * @throws {RefusalError} when there is no token, or one that does not pass.
   * @throws {AuthUnavailableError} when the token cannot be judged.
   */
  abstract authenticate(request: RequestView): MaybePromise<AuthUser>;

  /**
   * The same, when the user's issuer has been asked about the token for this request: what a route under
   * `@VerifyOnline()` calls. An authenticator without it lets anonymousCaller into such a route.
   *
   * @throws {RefusalError} also when the issuer does not stand by the token.
   * @throws {AuthUnavailableError} also when the issuer does not answer.
   * @throws {ConfigurationError} when the issuer cannot be asked.
   */
  authenticateOnline?(request: RequestView): MaybePromise<AuthUser>;

  /**
   * What the app makes of that user (its `toUser`), or a promise of it; `null` when it knows no such user.
   * Once per request. Whatever the app throws comes through.
   */
  abstract toAppUser(request: RequestView, user: AuthUser): unknown;
}

/** @throws {ConfigurationError} where the app has replaced the `Authenticator` by one that does not ask issuers. */
export function authenticateOnline(authenticator: Authenticator, request: RequestView): MaybePromise<AuthUser> {
  const user = authenticator.authenticateOnline?.(request);
  if (user !== undefined) return user;
  throw new ConfigurationError(
    'Authenticator',
    'a route requires @VerifyOnline(), and the Authenticator that the app has put in does not ask issuers',
    'Give it authenticateOnline(request)',
  );
}
