import { AuthUnavailableError, isAuthError } from '../errors/auth-error.js';

/**
 * Makes a call to a store.
 *
 * @param what names the store in the log: 'of the one-time codes'
 * @throws {AuthUnavailableError} for whatever the store of an app throws. Its message may repeat an address with a password.
 */
export async function askStore<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (isAuthError(cause)) throw cause;
    throw new AuthUnavailableError(`The store ${what} does not answer`, undefined, { cause });
  }
}
