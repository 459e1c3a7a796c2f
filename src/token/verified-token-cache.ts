import { NodeTimer, type Clock, type Timer } from '../clock/clock.js';
import type { VerificationKey } from '../keys/key-set.js';
import type { Validity } from './check-claims.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import type { VerifiedToken } from './verified-token.js';

/** A token that was verified locally, and the data to check it again when it is used again. */
export interface VerifiedEntry {
  readonly text: string;
  readonly token: VerifiedToken;
  readonly validity: Validity;
  readonly issuer: TrustedIssuer;
  /** The key that verified its signature. */
  readonly key: VerificationKey;
  /** The version of the status check that the token last passed; `NaN` before the first. */
  statusVersion: number;
}

const sweepEveryMs = 30_000;

/**
 * Caches verified tokens, so that a token that is used again needs no signature check. When it has `maxEntries`
 * entries, the oldest one is removed for a new one. Expired tokens are removed at intervals of 30 seconds.
 */
export class VerifiedTokenCache {
  /**
   * By token fingerprint. A look-up also compares the whole token. Of two tokens with the same fingerprint, the later
   * one stays.
   */
  private readonly entries = new Map<number, VerifiedEntry>();
  private readonly doorkeeper: Doorkeeper;
  private sweepIsScheduled = false;
  private closed = false;

  constructor(
    private readonly maxEntries: number,
    private readonly clock: Clock,
    /** Schedules the removal of expired tokens. */
    private readonly timer: Timer = new NodeTimer(),
  ) {
    this.doorkeeper = new Doorkeeper(maxEntries * 2);
  }

  /** Finds the entry of exactly this token, whether or not it is still valid. */
  find(text: string): VerifiedEntry | undefined {
    if (this.entries.size === 0) return undefined;
    const entry = this.entries.get(fingerprintOf(text));
    return entry?.text === text ? entry : undefined;
  }

  /**
   * Whether a verified token is to be cached: at its second use. Most tokens that are used once are never used again,
   * and caching such a token would cost more than verifying it.
   */
  admits(text: string): boolean {
    return this.maxEntries > 0 && !this.closed && this.doorkeeper.check(text);
  }

  /** Adds an entry. Its token should have been admitted by `admits`. */
  add(entry: VerifiedEntry): void {
    if (this.maxEntries === 0 || this.closed) return;
    const fingerprint = fingerprintOf(entry.text);
    // Two concurrent requests may add the same token. The second entry replaces the first, so no other one is removed.
    const isFull = this.entries.size >= this.maxEntries && !this.entries.has(fingerprint);
    const oldest = isFull ? this.entries.keys().next().value : undefined;
    if (oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(fingerprint, entry);
    this.scheduleSweep();
  }

  delete(entry: VerifiedEntry): void {
    if (this.find(entry.text) !== undefined) this.entries.delete(fingerprintOf(entry.text));
  }

  /** How many tokens are cached. */
  get size(): number {
    return this.entries.size;
  }

  /** Removes all tokens. Later ones are not added. */
  close(): void {
    this.closed = true;
    this.entries.clear();
    this.timer.clear();
  }

  private scheduleSweep(): void {
    if (this.sweepIsScheduled) return;
    this.sweepIsScheduled = true;
    this.timer.set(sweepEveryMs, () => {
      this.sweep();
    });
  }

  /** Removes tokens that have expired or whose key is no longer in use. */
  private sweep(): void {
    this.sweepIsScheduled = false;
    const now = this.clock.now().getTime();
    for (const [fingerprint, entry] of this.entries) {
      const { validity, issuer, key } = entry;
      const isExpired = now / 1_000 >= validity.expiresAt + issuer.terms.clockToleranceSeconds;
      if (isExpired || issuer.keys.current(now)?.has(key) !== true) this.entries.delete(fingerprint);
    }
    if (this.entries.size > 0) this.scheduleSweep();
  }
}

/**
 * Records in a fixed amount of memory which texts were checked recently. It is approximate: it may forget a text, and
 * it may report a text as known because another one has the same fingerprint. That is sufficient to decide what to
 * cache, and it allocates nothing.
 */
export class Doorkeeper {
  private readonly fingerprints: Int32Array;
  private readonly mask: number;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
    this.fingerprints = new Int32Array(slots);
    this.mask = slots - 1;
  }

  /** Returns whether the text was checked before, and records it. */
  check(text: string): boolean {
    const fingerprint = fingerprintOf(text);
    // A bucket has two slots. With one, two alternating texts of the same bucket would replace each other each time.
    const bucket = (fingerprint ^ (fingerprint >>> 16)) & this.mask & ~1;
    const newer = this.fingerprints[bucket];
    if (newer === fingerprint || this.fingerprints[bucket + 1] === fingerprint) return true;
    this.fingerprints[bucket + 1] = newer ?? 0;
    this.fingerprints[bucket] = fingerprint;
    return false;
  }
}

/** How many characters at the end of a token its fingerprint includes. */
const fingerprintedCharacters = 12;

/**
 * The token fingerprint: a 32-bit FNV-1a hash of the end of a token, never 0. The end belongs to the signature, whose
 * characters are practically random, and hashing twelve characters costs a fraction of hashing the whole token.
 */
function fingerprintOf(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = Math.max(0, text.length - fingerprintedCharacters); at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  // 0 marks an empty slot of the doorkeeper.
  return hash === 0 ? 1 : hash;
}
