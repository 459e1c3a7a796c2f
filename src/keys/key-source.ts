import type { KeySet } from './key-set.js';

/** Where an issuer's keys come from: a fixed set, or a key server. */
export abstract class KeySource {
  /**
   * The keys that may be used at this moment, without waiting; `null` when there are none, or when they
   * are too old to be trusted unasked. May start a refresh that nobody waits for.
   */
  abstract current(): KeySet | null;

  /**
   * Keys among which what is `wanted` should be: those at hand when it is, else asked for anew. A set
   * without it means that the issuer has answered and does not have it.
   *
   * @throws {FaultError} when that cannot be known, because the issuer does not answer.
   */
  abstract obtain(wanted: (keys: KeySet) => boolean): Promise<KeySet>;
}
