import type { KeyObject } from 'node:crypto';
import type { Algorithm } from './algorithm.js';

/** One key of an issuer, ready to check signatures with. */
export interface VerificationKey {
  /** The name that tokens call it by; `null` for a key that has none. */
  readonly kid: string | null;
  /** What it may verify: by its type, its curve and its own `alg`. */
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly key: KeyObject;
  /** Equal for two keys that are the same in every member that counts, fetched at whatever time. */
  readonly identity: string;
}

/** What looking for a token's key came to. */
export type KeyMatch =
  | { readonly kind: 'found'; readonly key: VerificationKey }
  /** No key of that name, or no key at all that fits. */
  | { readonly kind: 'unknown' }
  /** The named key is there, but may not verify this algorithm. */
  | { readonly kind: 'unfit' }
  /** More than one key fits, and the token does not say which. */
  | { readonly kind: 'ambiguous' };

/** The keys of an issuer at one moment. Immutable; a refresh creates a new set. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
  /**
   * The only key that fits a token. A named key fits tokens that name it; a key without a name fits tokens of any `kid`,
   * because none can name it. A token without `kid` gets a key when exactly one fits.
   */
  find(kid: string | null, algorithm: Algorithm): KeyMatch;
  /** Whether a key is in the set; a key that the issuer has withdrawn is not. */
  has(key: VerificationKey): boolean;
}

/** A set that finds keys by their names. */
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
