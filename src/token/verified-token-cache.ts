import type { VerificationKey } from '../keys/verification-key.js';
import type { Validity } from './check-claims.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import type { VerifiedToken } from './verified-token.js';

/** A token that has passed, with what has to be looked at again each time it comes back. */
export interface VerifiedEntry {
  readonly text: string;
  readonly token: VerifiedToken;
  readonly validity: Validity;
  readonly issuer: TrustedIssuer;
  /** The key that its signature was checked with. */
  readonly key: VerificationKey;
}

/**
 * How much of a token's end it is looked up by. The end is the signature, different for every token, and
 * hashing 32 characters costs a fraction of hashing them all; the whole token is compared afterwards.
 */
const tailLength = 32;

/**
 * Remembers tokens that have passed, so that a token that comes again costs no signature check. Holds at
 * most so many; the one that came first goes first.
 */
export class VerifiedTokenCache {
  private readonly entries = new Map<string, VerifiedEntry>();

  constructor(private readonly maxEntries: number) {}

  /** The entry of exactly this token. */
  find(text: string): VerifiedEntry | undefined {
    const entry = this.entries.get(tailOf(text));
    return entry?.text === text ? entry : undefined;
  }

  add(entry: VerifiedEntry): void {
    if (this.maxEntries === 0) return;
    const tail = tailOf(entry.text);
    // Two requests may have brought the same new token at once: nothing has to go for its second entry.
    const full = this.entries.size >= this.maxEntries && !this.entries.has(tail);
    const oldest = full ? this.entries.keys().next().value : undefined;
    if (oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(tail, entry);
  }

  delete(entry: VerifiedEntry): void {
    if (this.find(entry.text) !== undefined) this.entries.delete(tailOf(entry.text));
  }
}

function tailOf(text: string): string {
  return text.slice(-tailLength);
}
