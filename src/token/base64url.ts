const alphabet = /^[A-Za-z0-9_-]+$/;

/**
 * The bytes of a base64url text (RFC 7515 §2: no padding), or `undefined` for anything that is not exactly
 * that. Node's decoder takes padding, the other alphabet, white space and stray tail bits in silence, so
 * that one token could be written in many ways.
 */
export function decodeBase64Url(text: string): Buffer | undefined {
  if (!alphabet.test(text) || text.length % 4 === 1 || hasStrayTailBits(text)) return undefined;
  return Buffer.from(text, 'base64url');
}

/** Whether the last character carries bits that belong to no byte (RFC 4648 §3.5). */
function hasStrayTailBits(text: string): boolean {
  const unused = text.length % 4 === 2 ? 0b1111 : text.length % 4 === 3 ? 0b11 : 0;
  return unused !== 0 && (sextet(text.charCodeAt(text.length - 1)) & unused) !== 0;
}

function sextet(code: number): number {
  if (code >= 97) return code - 71; // a-z
  if (code === 95) return 63; // _
  if (code >= 65) return code - 65; // A-Z
  return code === 45 ? 62 : code + 4; // - or 0-9
}
