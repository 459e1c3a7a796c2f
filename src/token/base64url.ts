import { ScratchBytes } from './scratch-bytes.js';
import { readUtf8 } from './utf8-text.js';

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
