import type { AuthUser } from '../user/auth-user.js';

/** Looks callers up at their provider, once for a request. */
export interface ProfileLookup {
  /**
   * @param carrier the request
   * @throws {RefusalError} for a user who is no more, or is barred.
   * @throws {FaultError} when the provider could not be asked.
   */
  get(carrier: object, user: AuthUser): Promise<unknown>;
}
