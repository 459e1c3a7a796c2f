import type { AuthUser } from '../user/auth-user.js';

/** Looks callers up at their provider, once for a request. */
export interface ProfileLookup {
  /**
   * @param request the request
   * @throws {RefusalError} for a user who is no more, or is barred.
   * @throws {AuthUnavailableError} when the provider could not be asked.
   */
  get(request: object, user: AuthUser): Promise<unknown>;
}
