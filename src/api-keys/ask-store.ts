import { AuthUnavailableError, isAuthError } from '../errors/auth-error.js';

/**
 * Makes a call to the store.
 *
 * @throws {AuthUnavailableError} for whatever the store of an app throws. Its message may repeat an address with a password.
 */
export async function askStore<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (isAuthError(cause)) throw cause;
    throw new AuthUnavailableError('The store of the API keys does not answer', undefined, { cause });
  }
}
