import type { KeySet } from './key-set.js';
import type { KeyState } from './key-state.js';

/** Where an issuer's keys come from: a fixed set, or a key server. */
export abstract class KeySource {
  /**
   * The keys that may be used at this moment, without waiting; `null` when there are none, or when they are
   * too old to be trusted. May start a refresh that anonymousCaller waits for.
   *
   * @param now milliseconds since 1970, where the caller has just read the clock
   */
  abstract current(now?: number): KeySet | null;

  /**
   * Keys among which what is `wanted` should be: those at hand when it is, else asked for anew. A set
   * without it means that the issuer has answered and does not have it.
   *
   * @throws {AuthUnavailableError} when that cannot be known, because the issuer does not answer.
   */
  abstract obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet>;

  /**
   * Asks the issuer now, whatever is held: a key that it has dropped is withdrawn when this is done.
   *
   * @throws {AuthUnavailableError} when it does not answer; what is held stays as it was.
   */
  abstract refresh(): Promise<void>;

  /** How the keys stand. */
  abstract state(): KeyState;

  /** Stops what goes on behind the requests. The keys that are held can still be used. */
  abstract close(): void;
}
