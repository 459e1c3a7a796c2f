import type { KeyObject } from 'node:crypto';
import type { Algorithm } from './algorithm.js';

/** An imported key of an issuer that can verify signatures. */
export interface VerificationKey {
  /** The key id that tokens refer to; `null` for a key without one. */
  readonly kid: string | null;
  /** The algorithms that its type, its curve and its `alg` allow. */
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly key: KeyObject;
  /** Equal for two keys with the same key id, algorithms and key material, also of different fetches. */
  readonly identity: string;
}

/** The result of finding a token's key. */
export type KeyMatch =
  | { readonly kind: 'found'; readonly key: VerificationKey }
  /** There is no key with the token's `kid`; for a token without `kid`, no key fits. */
  | { readonly kind: 'unknown' }
  /** The key with the token's `kid` exists, but may not verify the token's algorithm. */
  | { readonly kind: 'unfit' }
  /** More than one key fits, and the token does not identify one. */
  | { readonly kind: 'ambiguous' };

/** The keys of one fetch. A set is immutable; a refresh creates a new one. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
  /**
   * Finds the key for a token. A `kid` selects the key with that id. Where there is none, a key without `kid` is used,
   * because no token can refer to it. A token without `kid` matches when exactly one key fits its algorithm.
   */
  find(kid: string | null, algorithm: Algorithm): KeyMatch;
  /** Whether the set contains a key; it does not contain a key that the issuer has removed. */
  has(key: VerificationKey): boolean;
}

/** A key set that indexes its keys by their ids. */
export class IndexedKeySet implements KeySet {
  private readonly byKid = new Map<string, VerificationKey[]>();
  private readonly unnamed: VerificationKey[] = [];
  private readonly members: ReadonlySet<VerificationKey>;

  constructor(readonly keys: readonly VerificationKey[]) {
    this.members = new Set(keys);
    for (const key of keys) {
      if (key.kid === null) this.unnamed.push(key);
      else this.byKid.set(key.kid, [...(this.byKid.get(key.kid) ?? []), key]);
    }
  }

  find(kid: string | null, algorithm: Algorithm): KeyMatch {
    const named = kid === null ? this.keys : this.byKid.get(kid);
    let found: VerificationKey | undefined;
    for (const candidate of named ?? this.unnamed) {
      if (!candidate.algorithms.has(algorithm)) continue;
      if (found !== undefined) return { kind: 'ambiguous' };
      found = candidate;
    }
    if (found !== undefined) return { kind: 'found', key: found };
    return kid !== null && named !== undefined ? { kind: 'unfit' } : { kind: 'unknown' };
  }

  has(key: VerificationKey): boolean {
    return this.members.has(key);
  }
}
