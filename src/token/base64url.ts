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

/** The UTF-8 text that a text encodes; `undefined` where that is not its one and only writing. */
export function decodeBase64UrlText(text: string): string | undefined {
  const bytes = scratch.write(text, 'base64url');
  return isWhollyRead(text, bytes.length) ? readUtf8(bytes) : undefined;
}

/** Whether a text is the one writing of some bytes, at least one. Looks at each character: for short texts. */
export function isCanonicalBase64Url(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if ((bitsOf[text.charCodeAt(at)] ?? foreign) === foreign) return false;
  }
  return text !== '' && endsCleanly(text);
}

/**
 * The same, asked when it has been decoded. The decoder passes over what is no digit, so that every foreign character shows
 * by a byte too few; but for those that it takes for digits, which are the other alphabet's, and those beyond Latin-1,
 * of which it sees the lower half.
 */
function isWhollyRead(text: string, byteCount: number): boolean {
  return (
    byteCount > 0 &&
    byteCount === (text.length * 3) >> 2 &&
    endsCleanly(text) &&
    !text.includes('+') &&
    !text.includes('/') &&
    Buffer.byteLength(text) === text.length
  );
}

function endsCleanly(text: string): boolean {
  const last = bitsOf[text.charCodeAt(text.length - 1)] ?? foreign;
  return ((last | 64) & (strayBits[text.length % 4] ?? 0)) === 0;
}
