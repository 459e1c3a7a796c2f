import type { AuthUser } from '../user/auth-user.js';

/** Looks callers up at their provider. */
export interface ProfileLookup {
  /**
   * @throws {RefusalError} for a user who is no more, or is barred.
   * @throws {FaultError} when the provider could not be asked.
   */
  get(user: AuthUser): Promise<unknown>;
}
