import { path, readNumber, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { isProfileStore, type ProfileStore } from './shared-store.js';

/** Configures for how long `UserProfileService` caches profiles, and where. */
export interface ProfileOptions {
  /**
   * Seconds for which a cached profile is used without a call to the provider; 0 to 86,400.
   *
   * @defaultValue 60
   */
  readonly freshForSeconds?: number;
  /**
   * Seconds after `freshForSeconds` for which a cached profile is still used while one call refreshes it in the
   * background, or while the provider does not answer; 0 to 604,800.
   *
   * @defaultValue 600
   */
  readonly staleForSeconds?: number;
  /**
   * Seconds for which the answer that a user does not exist is cached; 0 to 3,600.
   *
   * @defaultValue 10
   */
  readonly notFoundForSeconds?: number;
  /**
   * The number of users that are cached in memory, 1 to 1,000,000. The least recently used one is removed first.
   *
   * @defaultValue 10_000
   */
  readonly maxEntries?: number;
  /**
   * With `false` nothing is cached, and every look-up calls the provider. Concurrent look-ups of the same user still
   * share one call.
   *
   * @defaultValue true
   */
  readonly cache?: boolean;
  /**
   * A second cache that the instances of the app share: any Keyv. A store that does not answer slows look-ups down and
   * never makes one fail.
   */
  readonly store?: ProfileStore;
}

/** The options with all defaults. */
export interface ProfileTerms {
  readonly freshMs: number;
  /** The age up to which a profile may be used. */
  readonly usableMs: number;
  readonly notFoundMs: number;
  /** 0 disables the cache. */
  readonly maxEntries: number;
  readonly store: ProfileStore | null;
}

const names = ['freshForSeconds', 'staleForSeconds', 'notFoundForSeconds', 'maxEntries', 'cache', 'store'];
const defaults = { freshForSeconds: 60, staleForSeconds: 600, notFoundForSeconds: 10, maxEntries: 10_000 };

/** @throws {ConfigurationError} for a wrong, unknown or contradictory option. */
export function readProfileOptions(where: string, given: unknown): ProfileTerms {
  const options = readOptions(where, given, names);
  if (!readSwitch(where, options, 'cache', true)) {
    const other = names.find((name) => name !== 'cache' && options[name] !== undefined);
    if (other === undefined) return { freshMs: 0, usableMs: 0, notFoundMs: 0, maxEntries: 0, store: null };
    throw new ConfigurationError(path(where, other), 'with cache: false nothing is cached', 'Leave out one of the two');
  }
  const read = (name: keyof typeof defaults, least: number, most: number): number =>
    readNumber(where, options, name, { least, most, whole: name === 'maxEntries' }) ?? defaults[name];
  const freshMs = read('freshForSeconds', 0, 86_400) * 1_000;
  return {
    freshMs,
    usableMs: freshMs + read('staleForSeconds', 0, 604_800) * 1_000,
    notFoundMs: read('notFoundForSeconds', 0, 3_600) * 1_000,
    maxEntries: read('maxEntries', 1, 1_000_000),
    store: readStore(path(where, 'store'), options['store']),
  };
}

function readStore(where: string, given: unknown): ProfileStore | null {
  if (given === undefined) return null;
  if (isProfileStore(given)) return given;
  throw new ConfigurationError(where, 'it has no get, set and delete', 'Write a Keyv, or an object with these methods');
}
