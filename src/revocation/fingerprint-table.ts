/** Words of 32 bits that one entry takes: two of the fingerprint, then the two times. */
const width = 4;
const leastSlots = 256;
/** How full the table may be. Above this, a look-up would compare too many entries. */
const mostFull = 0.7;
const growth = 1.5;

/** A time that every token was issued before: what concerns all tokens of an id has it. */
export const always = 0xffff_ffff;

/** A fingerprint of 64 bits, in two unsigned halves. */
export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

/**
 * A set of fingerprints with two times each, in seconds since 1970: up to which second tokens are revoked, and when the
 * entry can be dropped. One typed array with open addressing and linear probing: 16 bytes a slot, between 23 and 35 bytes
 * an entry, and no object for the garbage collector to visit.
 */
export class FingerprintTable {
  private slots = leastSlots;
  private words = new Uint32Array(leastSlots * width);
  private used = 0;

  /** How many entries there are, those included that have expired since the last `sweep`. */
  get size(): number {
    return this.used;
  }

  /** How much memory the entries take. */
  get byteLength(): number {
    return this.words.byteLength;
  }

  /**
   * Adds an entry. Of a fingerprint that is there already, the later times count.
   *
   * @param expiresAt above 0: an empty slot has 0 there
   * @returns whether the table has changed
   */
  add(fingerprint: Fingerprint, issuedUntil: number, expiresAt: number): boolean {
    let slot = this.find(fingerprint);
    if (this.isEmpty(slot)) {
      if (this.used + 1 > this.slots * mostFull) {
        this.resize(Math.ceil(this.slots * growth));
        slot = this.find(fingerprint);
      }
      this.words.set([fingerprint.low, fingerprint.high, issuedUntil, expiresAt], slot * width);
      this.used += 1;
      return true;
    }
    const later = this.raise(slot * width + 2, issuedUntil);
    return this.raise(slot * width + 3, expiresAt) || later;
  }

  /** Up to which second of issue tokens are revoked; `undefined` without an entry that has not expired. */
  get({ high, low }: Fingerprint, now: number): number | undefined {
    const at = this.find({ high, low }) * width;
    const expiresAt = this.words[at + 3] ?? 0;
    return expiresAt > now ? this.words[at + 2] : undefined;
  }

  /** Drops what has expired, and gives memory back when most of it is unused. */
  sweep(now: number): void {
    for (let slot = 0; slot < this.slots && this.used > 0; ) {
      const expiresAt = this.words[slot * width + 3] ?? 0;
      // A removal moves a later entry into this slot, which is then looked at as well.
      if (expiresAt !== 0 && expiresAt <= now) this.remove(slot);
      else slot += 1;
    }
    const wanted = Math.max(leastSlots, Math.ceil((this.used / mostFull) * growth));
    if (wanted * 2 < this.slots) this.resize(wanted);
  }

  private raise(at: number, value: number): boolean {
    if ((this.words[at] ?? 0) >= value) return false;
    this.words[at] = value;
    return true;
  }

  /** The slot of the fingerprint, or the empty one where it would be. */
  private find({ high, low }: Fingerprint): number {
    let slot = this.homeOf(low);
    while (!this.isEmpty(slot)) {
      const at = slot * width;
      if (this.words[at] === low && this.words[at + 1] === high) return slot;
      slot = this.after(slot);
    }
    return slot;
  }

  private isEmpty(slot: number): boolean {
    return this.words[slot * width + 3] === 0;
  }

  private homeOf(low: number): number {
    return Math.floor((low / 2 ** 32) * this.slots);
  }

  private after(slot: number): number {
    return slot + 1 === this.slots ? 0 : slot + 1;
  }

  /** How many steps of the probing lead from one slot to another. */
  private stepsBetween(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.slots;
  }

  /** Closes the gap with the entries behind it, so that no mark for removed entries is needed. */
  private remove(slot: number): void {
    let gap = slot;
    for (let next = this.after(slot); !this.isEmpty(next); next = this.after(next)) {
      const home = this.homeOf(this.words[next * width] ?? 0);
      // An entry must not come before its own home, where no look-up would find it.
      if (this.stepsBetween(home, next) < this.stepsBetween(gap, next)) continue;
      this.words.copyWithin(gap * width, next * width, (next + 1) * width);
      gap = next;
    }
    this.words.fill(0, gap * width, (gap + 1) * width);
    this.used -= 1;
  }

  private resize(slots: number): void {
    const { words } = this;
    this.slots = slots;
    this.words = new Uint32Array(slots * width);
    for (let at = 0; at < words.length; at += width) {
      if (words[at + 3] === 0) continue;
      const slot = this.find({ low: words[at] ?? 0, high: words[at + 1] ?? 0 });
      this.words.set(words.subarray(at, at + width), slot * width);
    }
  }
}
