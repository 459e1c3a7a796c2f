import { path, readChoice, readNumber, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';

/** How revoked tokens are refused. */
export interface RevocationOptions {
  /**
   * Seconds between two readings of the store, 0.1 to 300: a token that another process has revoked is refused here
   * after that time at the latest. What this process revokes itself, it refuses at once.
   *
   * @defaultValue 2
   */
  readonly refreshSeconds?: number;
  /**
   * Seconds for which tokens are accepted by what was last read, while the store cannot be read; at least twice
   * `refreshSeconds`, at most 86,400. After that time `onUnavailable` decides.
   *
   * @defaultValue 60; with `SessionsModule` the lifetime of its access tokens
   */
  readonly serveStaleForSeconds?: number;
  /**
   * The longest lifetime of a token of any issuer in seconds, 1 to 31,536,000. Revocations of sessions, users and
   * clients are dropped after that time, when every token that they concern has expired. If a token lives longer than
   * this, the log states it: a revocation of it could be dropped too early.
   *
   * @defaultValue 86_400
   */
  readonly longestTokenSeconds?: number;
  /**
   * What happens to tokens when the store could not be read for `serveStaleForSeconds`. `'reject'`: they are answered
   * with 503, as it is unknown whether they are revoked. `'accept'`: they are accepted unless a revocation that is
   * already known here concerns them. In both cases a process that has never read its store answers 503.
   *
   * @defaultValue 'reject'
   */
  readonly onUnavailable?: 'reject' | 'accept';
}

/** The options with everything filled in and checked. */
export type RevocationTerms = Readonly<Required<RevocationOptions>>;

const names = ['refreshSeconds', 'serveStaleForSeconds', 'longestTokenSeconds', 'onUnavailable'];

/**
 * Fills in and checks `AuthModule.forRoot({ revocation })`; `null` where it is off.
 *
 * @throws {ConfigurationError} for the first option that is wrong or unknown.
 */
export function readRevocationOptions(
  where: string,
  given: unknown,
  defaults: Pick<RevocationTerms, 'serveStaleForSeconds'> = { serveStaleForSeconds: 60 },
): RevocationTerms | null {
  if (given === undefined || given === false) return null;
  const options = readOptions(where, given === true ? {} : given, names);
  const refreshSeconds = readNumber(where, options, 'refreshSeconds', { least: 0.1, most: 300 }) ?? 2;
  const longest = { least: 1, most: 31_536_000, whole: true };
  const terms: RevocationTerms = Object.freeze({
    refreshSeconds,
    serveStaleForSeconds:
      readNumber(where, options, 'serveStaleForSeconds', { least: 0.2, most: 86_400 }) ??
      Math.max(defaults.serveStaleForSeconds, 2 * refreshSeconds),
    longestTokenSeconds: readNumber(where, options, 'longestTokenSeconds', longest) ?? 86_400,
    onUnavailable: readChoice(where, options, 'onUnavailable', ['reject', 'accept'], 'reject'),
  });
  // With less, a single slow answer of the store would count as an outage.
  if (terms.serveStaleForSeconds >= 2 * refreshSeconds) return terms;
  throw new ConfigurationError(
    path(where, 'serveStaleForSeconds'),
    `it is less than twice refreshSeconds, which is ${refreshSeconds}`,
    `Write ${2 * refreshSeconds} or more`,
  );
}
