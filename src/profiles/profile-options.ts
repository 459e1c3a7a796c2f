import { path, readNumber, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { isProfileStore, type ProfileStore } from './shared-store.js';

/** How long `UserProfileService` keeps what providers tell of their users, and where. */
export interface ProfileOptions {
  /**
   * Seconds for which a profile is given without asking anew; 0 to 86,400.
   *
   * @defaultValue 60
   */
  readonly freshForSeconds?: number;
  /**
   * Seconds beyond these for which it is given all the same: at once, while one call refreshes it, and as long as
   * the provider does not answer; 0 to 604,800.
   *
   * @defaultValue 600
   */
  readonly staleForSeconds?: number;
  /**
   * Seconds for which it is remembered that there is no such user; 0 to 3,600.
   *
   * @defaultValue 10
   */
  readonly notFoundForSeconds?: number;
  /**
   * How many users are kept in memory, 1 to 1,000,000; the one not asked for the longest goes first.
   *
   * @defaultValue 10_000
   */
  readonly maxEntries?: number;
  /**
   * `false`: nothing is kept, every look-up asks the provider. Those who ask for the same user at the same moment
   * still share the call.
   *
   * @defaultValue true
   */
  readonly cache?: boolean;
  /**
   * What instances of the app share, behind the memory of each: any Keyv. One that does not answer makes look-ups
   * slower, and fails none.
   */
  readonly store?: ProfileStore;
}

/** The options with everything filled in. */
export interface ProfileTerms {
  readonly freshMs: number;
  /** For how long a profile may be given at all. */
  readonly usableMs: number;
  readonly notFoundMs: number;
  /** 0: nothing is kept. */
  readonly maxEntries: number;
  readonly store: ProfileStore | null;
}

const names = ['freshForSeconds', 'staleForSeconds', 'notFoundForSeconds', 'maxEntries', 'cache', 'store'];
const usual = { freshForSeconds: 60, staleForSeconds: 600, notFoundForSeconds: 10, maxEntries: 10_000 };

/** @throws {ConfigurationError} for a wrong, unknown or contradictory option. */
export function readProfileOptions(where: string, given: unknown): ProfileTerms {
  const options = readOptions(where, given, names);
  if (!readSwitch(where, options, 'cache', true)) {
    const other = names.find((name) => name !== 'cache' && options[name] !== undefined);
    if (other === undefined) return { freshMs: 0, usableMs: 0, notFoundMs: 0, maxEntries: 0, store: null };
    throw new ConfigurationError(path(where, other), 'with cache: false nothing is kept', 'Leave out one of the two');
  }
  const read = (name: keyof typeof usual, least: number, most: number): number =>
    readNumber(where, options, name, { least, most, whole: name === 'maxEntries' }) ?? usual[name];
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
