import type { VerifiedToken } from './verified-token.js';

/**
 * Decides whether a token that has passed all other checks is still accepted, for example by a list of revoked tokens.
 * The `TokenVerifier` calls it for every token that it returns.
 */
export abstract class TokenStatusCheck {
  /**
   * A number that changes whenever an earlier result may be out of date. While it is unchanged, a token that passed
   * before is accepted without another check. `NaN` never equals an earlier value, so the check runs each time.
   */
  abstract readonly version: number;

  /**
   * Accepts a token by returning, or refuses it. It is synchronous where the result is in memory.
   *
   * @throws {RefusalError} with reason `revoked` when the token has been revoked.
   * @throws {AuthUnavailableError} when it is not known whether the token has been revoked.
   */
  abstract check(token: VerifiedToken): void | Promise<void>;
}
