/**
 * Remembers, in a fixed piece of memory, which texts have come lately, and may be wrong about it: a text can
 * be forgotten, or be taken for seen. Good enough to tell what is worth remembering for real, and free of
 * the garbage that remembering everything would make.
 */
export class SeenOnce {
  private readonly marks: Uint32Array;
  private readonly mask: number;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
    this.marks = new Uint32Array(slots);
    this.mask = slots - 1;
  }

  /** Whether the text has come before; from now on it has. */
  check(text: string): boolean {
    const mark = markOf(text);
    const slot = (mark ^ (mark >>> 16)) & this.mask;
    if (this.marks[slot] === mark) return true;
    this.marks[slot] = mark;
    return false;
  }
}

/** How many characters count, from the end; of a signature, each of them is as good as random. */
const counted = 12;

/** A number from the text's end (FNV-1a), never 0, which is an empty slot. */
function markOf(text: string): number {
  let mark = 0x811c9dc5;
  for (let at = Math.max(0, text.length - counted); at < text.length; at += 1) {
    mark = Math.imul(mark ^ text.charCodeAt(at), 0x01000193);
  }
  return mark >>> 0 || 1;
}
