import { isUtf8 } from 'node:buffer';

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

// RFC 7515 §2: base64url without padding. Node's decoder takes padding, the other alphabet, white space and stray tail bits
// in silence, so that one token could be written in many ways; here only the one that encoding would give is let pass.

const scratch = new ScratchBytes(12 * 1024);

/** For each character the six bits that it stands for; `foreign` for those that base64url does not have. */
const foreign = 64;
const bitsOf = Uint8Array.from({ length: 128 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(String.fromCharCode(code));
  return at === -1 ? foreign : at;
});

/** By the length modulo 4, the bits of the last character that belong to no byte. One alone makes no byte at all. */
const strayBits = [0, 64, 15, 3];

/**
 * Whether Node's decoder takes none of its characters for another: it reads the other alphabet as well, and of characters
 * beyond Latin-1 it sees the lower half. What it does not know it passes over, which shows by a byte too few.
 */
export function isPlain(text: string): boolean {
  return !text.includes('+') && !text.includes('/') && Buffer.byteLength(text) === text.length;
}

/**
 * The bytes that a text encodes, at least one; `undefined` where that is not their one and only writing.
 *
 * @param plain what `isPlain` says, where it has been asked about more text at once
 */
export function decodeBase64Url(text: string, plain = isPlain(text)): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return plain && isWhollyRead(text, bytes.length) ? bytes : undefined;
}

/** The UTF-8 text that a text encodes; `undefined` where that is not its one and only writing. */
export function decodeBase64UrlText(text: string, plain = isPlain(text)): string | undefined {
  const bytes = scratch.write(text, 'base64url');
  return plain && isWhollyRead(text, bytes.length) ? readUtf8(bytes) : undefined;
}

function isWhollyRead(text: string, byteCount: number): boolean {
  return byteCount > 0 && byteCount === (text.length * 3) >> 2 && endsCleanly(text);
}

function endsCleanly(text: string): boolean {
  const last = bitsOf[text.charCodeAt(text.length - 1)] ?? foreign;
  return ((last | 64) & (strayBits[text.length % 4] ?? 0)) === 0;
}

/** What decoders put in the place of bytes that are no UTF-8. */
const replacement = '\ufffd';

/** The text that bytes are in UTF-8; `undefined` when they are not valid UTF-8. */
export function readUtf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  // Few texts have this character, and one that has may have come with it.
  return text.includes(replacement) && !isUtf8(bytes) ? undefined : text;
}

/**
 * The same text in memory of its own. The engine keeps a piece of a text as a view of the whole: whoever remembers a token out
 * of a cookie remembers all of the header, with every other cookie in it.
 *
 * @param text of ASCII characters, as a token that has passed is
 */
export function detachedString(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
