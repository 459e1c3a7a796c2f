import { type Timer, NodeTimer } from '../clock/timer.js';
import type { Clock } from '../clock/clock.js';
import type { VerificationKey } from '../keys/verification-key.js';
import type { Validity } from './check-claims.js';
import { Doorkeeper } from './doorkeeper.js';
import { fingerprintOf } from './token-fingerprint.js';
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

const sweepEveryMs = 30_000;

/**
 * Remembers tokens that have passed, so that a token that comes again costs no signature check. Holds at most
 * so many; the one that came first goes first, and one that is over goes by itself.
 */
export class VerifiedTokenCache {
  /** By the mark of their tail. The whole token is compared afterwards; of two that share a mark the later one stays. */
  private readonly entries = new Map<number, VerifiedEntry>();
  private readonly seen: Doorkeeper;
  private sweeping = false;
  private closed = false;

  constructor(
    private readonly maxEntries: number,
    private readonly clock: Clock,
    /** Wakes the cache up to drop what is over. */
    private readonly timer: Timer = new NodeTimer(),
  ) {
    this.seen = new Doorkeeper(maxEntries * 2);
  }

  /** The entry of exactly this token. */
  find(text: string): VerifiedEntry | undefined {
    if (this.entries.size === 0) return undefined;
    const entry = this.entries.get(fingerprintOf(text));
    return entry?.text === text ? entry : undefined;
  }

  /**
   * Whether a token that has just passed is worth remembering: it is when it has come before. Most tokens that
   * come once never come again, and remembering these costs more than all the rest of judging them.
   */
  admits(text: string): boolean {
    return this.maxEntries > 0 && !this.closed && this.seen.check(text);
  }

  add(entry: VerifiedEntry): void {
    if (this.maxEntries === 0 || this.closed) return;
    const mark = fingerprintOf(entry.text);
    // Two requests may have brought the same new token at once: nothing has to go for its second entry.
    const full = this.entries.size >= this.maxEntries && !this.entries.has(mark);
    const oldest = full ? this.entries.keys().next().value : undefined;
    if (oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(mark, entry);
    this.sweepLater();
  }

  delete(entry: VerifiedEntry): void {
    if (this.find(entry.text) !== undefined) this.entries.delete(fingerprintOf(entry.text));
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.entries.size;
  }

  /** Forgets all tokens, and remembers none from now on. */
  close(): void {
    this.closed = true;
    this.entries.clear();
    this.timer.clear();
  }

  private sweepLater(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    this.timer.set(sweepEveryMs, () => {
      this.sweep();
    });
  }

  private sweep(): void {
    this.sweeping = false;
    const now = this.clock.now().getTime();
    for (const [mark, entry] of this.entries) {
      const { validity, issuer, key } = entry;
      const over = now / 1_000 >= validity.expiresAt + issuer.terms.clockToleranceSeconds;
      if (over || issuer.keys.current(now)?.has(key) !== true) this.entries.delete(mark);
    }
    if (this.entries.size > 0) this.sweepLater();
  }
}
