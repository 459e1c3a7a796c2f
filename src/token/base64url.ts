/**
 * The bytes of a base64url text (RFC 7515 §2: no padding), or `undefined` for anything that is not exactly
 * that. Node's decoder takes padding, the other alphabet, white space and stray tail bits in silence, so
 * that one token could be written in many ways; only the writing that the bytes come back as is let pass.
 */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}
