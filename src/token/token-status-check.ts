import type { VerifiedToken } from './verified-token.js';

/**
 * Decides whether a token that has passed every other check is still wanted: a list of revoked tokens, for example. It is a
 * port with one caller, the single exit of the token verifier, so no verified token leaves without it.
 */
export abstract class TokenStatusCheck {
  /**
   * Changes whenever an earlier answer may no longer hold. While it stays the same, a token that passed before passes by this
   * one comparison. `NaN` never equals an earlier value, so the check runs each time.
   */
  abstract readonly version: number;

  /**
   * Synchronous where the answer is in memory.
   *
   * @throws {RefusalError} reason `revoked`, when the token has been withdrawn.
   * @throws {AuthUnavailableError} when it is not known whether the token has been withdrawn.
   */
  abstract check(token: VerifiedToken): void | Promise<void>;
}
