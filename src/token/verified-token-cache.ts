import { NodeTimer, type Clock, type Timer } from '../clock/clock.js';
import type { VerificationKey } from '../keys/key-set.js';
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
  /** The version of the status check that the token last passed; `NaN` before the first. */
  statusVersion: number;
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

/**
 * Remembers, in a fixed piece of memory, which texts have come lately, and may be wrong about it: a text can
 * be forgotten, or be taken for seen. Good enough to tell what is worth remembering for real, and free of
 * the garbage that remembering everything would make.
 */
export class Doorkeeper {
  private readonly marks: Int32Array;
  private readonly mask: number;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
    this.marks = new Int32Array(slots);
    this.mask = slots - 1;
  }

  /** Whether the text has come before; from now on it has. */
  check(text: string): boolean {
    const mark = fingerprintOf(text);
    // Two slots to a place: of two texts that meet in one and take turns, neither would ever be there when it comes again.
    const place = (mark ^ (mark >>> 16)) & this.mask & ~1;
    const newer = this.marks[place];
    if (newer === mark || this.marks[place + 1] === mark) return true;
    this.marks[place + 1] = newer ?? 0;
    this.marks[place] = mark;
    return false;
  }
}

/** How many characters count, from the end; of a signature, each of them is as good as random. */
const counted = 12;

/**
 * A number of 32 bits from the end of a token, never 0. The end is the signature, different for every token, and to read
 * twelve characters costs a fraction of what it costs to hash them all.
 */
function fingerprintOf(text: string): number {
  // FNV-1a.
  let mark = 0x811c9dc5 | 0;
  for (let at = Math.max(0, text.length - counted); at < text.length; at += 1) {
    mark = Math.imul(mark ^ text.charCodeAt(at), 0x01000193);
  }
  return mark === 0 ? 1 : mark;
}
