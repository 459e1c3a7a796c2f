/** Views are kept by their length; two lengths that share a place here take turns in it. */
const keptViews = 64;

/**
 * A piece of memory that texts are turned into bytes in, one after the other: a buffer for each of them would have to be
 * made and collected. What `write` gives is good until the next `write`, so it is for use at once and not for keeping.
 */
export class ScratchBytes {
  private readonly memory: Buffer;
  private readonly views: Buffer[];

  /** @param size how many bytes are there; a text that may need more gets a buffer of its own */
  constructor(private readonly size: number) {
    this.memory = Buffer.allocUnsafeSlow(size);
    this.views = Array.from({ length: keptViews }, () => this.memory);
  }

  /** The bytes of a text, as `Buffer.from(text, encoding)` gives them. Neither encoding makes more bytes than characters. */
  write(text: string, encoding: 'latin1' | 'base64url'): Buffer {
    if (text.length > this.size) return Buffer.from(text, encoding);
    return this.viewOf(this.memory.write(text, encoding));
  }

  private viewOf(length: number): Buffer {
    const known = this.views[length % keptViews];
    if (known?.length === length) return known;
    const view = this.memory.subarray(0, length);
    this.views[length % keptViews] = view;
    return view;
  }
}
