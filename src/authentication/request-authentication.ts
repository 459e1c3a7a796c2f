import { type AuthError, isAuthError } from '../errors/auth-error.js';
import { viewHttpRequest } from '../request/request-view.js';
import type { AuthUser } from '../user/auth-user.js';
import type { Authenticator } from './authenticator.js';

/**
 * Authenticates HTTP requests before their guards run: in a middleware for logs, tenants or an `AsyncLocalStorage`, or in front of
 * what Nest does not route (a dashboard, static files). Inject it into a module with `configure`, or into a middleware class.
 */
export class RequestAuthentication {
  constructor(private readonly authenticator: Authenticator) {}

  /**
   * The user of a request by the same verdict as the guard's, which then does not verify the credential again. `toUser` is not
   * called. Decorators of the route, such as `@Public()` and `@RequireScopes()`, are not known here.
   *
   * @param request the request of Express or Fastify, or the one of Node that a middleware gets
   * @returns `null` without a credential
   * @throws {RefusalError} for a credential that the guard would refuse.
   * @throws {AuthUnavailableError} when the credential cannot be verified now. Thrown on by a middleware, both are answered as by
   * the guard.
   */
  async authenticateRequest(request: object): Promise<AuthUser | null> {
    try {
      return await this.authenticator.authenticate(viewHttpRequest(request));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}

function isMissing(error: unknown): error is AuthError {
  return isAuthError(error) && error.code === 'MISSING_TOKEN';
}
