/** How many characters count, from the end; of a signature, each of them is as good as random. */
const counted = 12;

/**
 * A number of 32 bits from the end of a token, never 0. The end is the signature, different for every token, and to read
 * twelve characters costs a fraction of what it costs to hash them all.
 */
export function fingerprintOf(text: string): number {
  // FNV-1a.
  let mark = 0x811c9dc5 | 0;
  for (let at = Math.max(0, text.length - counted); at < text.length; at += 1) {
    mark = Math.imul(mark ^ text.charCodeAt(at), 0x01000193);
  }
  return mark === 0 ? 1 : mark;
}
