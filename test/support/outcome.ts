/** The outcome of an operation as one text, for tables and precise assertions. */
import { AuthError, ConfigurationError } from '../../src/errors/auth-error.js';

/** `'accepted'`, or code and reason of the error: `'INVALID_TOKEN audience'`. Any other error is rethrown. */
export async function outcomeOf(attempt: Promise<unknown> | (() => unknown)): Promise<string> {
  const error = await errorOf(attempt);
  if (error === undefined) return 'accepted';
  return error.reason === null ? error.code : `${error.code} ${error.reason}`;
}

/** The error of a refusal or a fault; `undefined` when there was none. */
export async function errorOf(attempt: Promise<unknown> | (() => unknown)): Promise<AuthError | undefined> {
  try {
    await (typeof attempt === 'function' ? attempt() : attempt);
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

/** The error of a wrong option. Fails when there was no error, or another one. */
export function configurationErrorOf(attempt: () => unknown): ConfigurationError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('Nothing was wrong with the options');
}
