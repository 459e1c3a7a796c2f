import { AuthUnavailableError, isAuthError } from './errors/auth-error.js';
import { describeThrown } from './telemetry/log-text.js';
import type { OutageWatch } from './upstream/provider-calls.js';

/**
 * Makes a call to a store, which may be one of the app.
 *
 * @param what names the store in the log: 'of the one-time codes'
 * @param outage receives what a store of the app throws; those of this package report their outages themselves
 * @throws {AuthUnavailableError} for whatever the store of an app throws. Its message may repeat an address with a password.
 */
export async function askStore<Result>(
  what: string,
  call: () => Promise<Result>,
  outage: OutageWatch | null = null,
): Promise<Result> {
  try {
    const result = await call();
    outage?.noteSuccess();
    return result;
  } catch (cause) {
    if (isAuthError(cause)) throw cause;
    outage?.noteFailure(`it threw ${describeThrown(cause, null).problem}`);
    throw new AuthUnavailableError(`The store ${what} does not answer`, undefined, { cause });
  }
}
