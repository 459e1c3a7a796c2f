import { isUtf8 } from 'node:buffer';

/** What decoders put in the place of bytes that are no UTF-8. */
const replacement = '\ufffd';

/** The text that bytes are in UTF-8; `undefined` when they are not valid UTF-8. */
export function readUtf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  // Few texts have this character, and one that has may have come with it.
  return text.includes(replacement) && !isUtf8(bytes) ? undefined : text;
}
