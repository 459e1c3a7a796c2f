import { isUtf8 } from 'node:buffer';

/** How many views a `ScratchBytes` caches. */
const viewSlots = 64;

/**
 * A buffer that is reused to convert texts into bytes, so that no buffer is allocated and garbage-collected for each
 * text. The bytes that `write` returns are valid only until the next `write`.
 */
export class ScratchBytes {
  private readonly memory: Buffer;
  /** The view of length n is cached in slot `n % viewSlots`, where it replaces a view of another length. */
  private readonly views: Buffer[];

  /** @param size the capacity in bytes; a text that may need more is converted in a new buffer */
  constructor(private readonly size: number) {
    this.memory = Buffer.allocUnsafeSlow(size);
    this.views = Array.from({ length: viewSlots }, () => this.memory);
  }

  /**
   * Returns the same bytes as `Buffer.from(text, encoding)`. Neither encoding yields more bytes than the text has
   * characters.
   */
  write(text: string, encoding: 'latin1' | 'base64url'): Buffer {
    if (text.length > this.size) return Buffer.from(text, encoding);
    return this.viewOf(this.memory.write(text, encoding));
  }

  private viewOf(length: number): Buffer {
    const slot = length % viewSlots;
    const cached = this.views[slot];
    if (cached?.length === length) return cached;
    const view = this.memory.subarray(0, length);
    this.views[slot] = view;
    return view;
  }
}

// RFC 7515 §2: base64url without padding. Node's decoder also accepts padding, the alphabet of base64, white space and
// unused bits that are set, so one token would have many spellings. Only the canonical one, which encoding yields, is
// accepted here.

const scratch = new ScratchBytes(12 * 1024);

/** The value of a character that base64url does not have. */
const notInAlphabet = 64;
/** The six bits that each ASCII character encodes. */
const sixBitsOf = Uint8Array.from({ length: 128 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(String.fromCharCode(code));
  return at === -1 ? notInAlphabet : at;
});

/**
 * The bits of the last character that must be 0 because they belong to no byte, by the length of the text modulo 4. A
 * single character after a group of four encodes no byte, so that length is never accepted.
 */
const unusedBits = [0, 64, 15, 3];

/**
 * Whether Node's decoder mistakes no character of the text for one of base64url: it also accepts `+` and `/`, and reads
 * only the lower byte of a character beyond Latin-1. It skips other unknown characters, which `isCanonical` detects by
 * the number of bytes.
 */
export function isUnambiguous(text: string): boolean {
  return !text.includes('+') && !text.includes('/') && Buffer.byteLength(text) === text.length;
}

/**
 * Decodes a text to bytes; `undefined` when it is empty or not canonical base64url.
 *
 * @param unambiguous the result of `isUnambiguous`, where the caller has checked a longer text that contains this one
 */
export function decodeBase64Url(text: string, unambiguous = isUnambiguous(text)): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return unambiguous && isCanonical(text, bytes.length) ? bytes : undefined;
}

/** Decodes a text to UTF-8 text; `undefined` when it is empty, not canonical base64url, or not UTF-8. */
export function decodeBase64UrlText(text: string, unambiguous = isUnambiguous(text)): string | undefined {
  const bytes = scratch.write(text, 'base64url');
  return unambiguous && isCanonical(text, bytes.length) ? readUtf8(bytes) : undefined;
}

function isCanonical(text: string, byteCount: number): boolean {
  return byteCount > 0 && byteCount === (text.length * 3) >> 2 && areUnusedBitsZero(text);
}

function areUnusedBitsZero(text: string): boolean {
  const last = sixBitsOf[text.charCodeAt(text.length - 1)] ?? notInAlphabet;
  return ((last | 64) & (unusedBits[text.length % 4] ?? 0)) === 0;
}

/** The character that decoders insert for bytes that are not valid UTF-8. */
const replacementCharacter = '\ufffd';

/** Decodes bytes as UTF-8; `undefined` when they are not valid UTF-8. */
export function readUtf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  // The character may also have been encoded on purpose. It is rare, so `isUtf8` rarely runs.
  return text.includes(replacementCharacter) && !isUtf8(bytes) ? undefined : text;
}

/**
 * Copies a text into memory of its own. The engine stores a substring as a view of the whole text, so a cached token
 * from a cookie would keep the whole header in memory, with all other cookies.
 *
 * @param text only ASCII characters, as in every verified token
 */
export function detachedString(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
