import { fingerprintOf } from './token-fingerprint.js';

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
