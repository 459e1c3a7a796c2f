import type { Algorithm } from './algorithm.js';
import type { VerificationKey } from './verification-key.js';

/** What looking for a token's key came to. */
export type KeyMatch =
  | { readonly kind: 'found'; readonly key: VerificationKey }
  /** No key of that name, or no key at all that fits. */
  | { readonly kind: 'unknown' }
  /** The named key is there, but may not verify this algorithm. */
  | { readonly kind: 'unfit' }
  /** More than one key fits, and the token does not say which. */
  | { readonly kind: 'ambiguous' };

/** The keys of an issuer at one moment. Immutable; a refresh makes a new one. */
export class KeySet {
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

  /**
   * The one key for a token. A named key is the one of that name; a key without a name fits any token,
   * as it can be called by none. A token without `kid` is given a key when exactly one fits.
   */
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

  /** Whether a key is still among them; a key that the issuer has dropped is not. */
  has(key: VerificationKey): boolean {
    return this.members.has(key);
  }
}
