/** A challenge of the Bearer scheme (RFC 6750 §3) with its parameters in the order given. */
export function bearerChallenge(parameters: Readonly<Record<string, string>>): string {
  const written = Object.entries(parameters).map(([name, value]) => `${name}="${quotedText(value)}"`);
  return written.length === 0 ? 'Bearer' : `Bearer ${written.join(', ')}`;
}

/**
 * What may stand in a quoted-string of `error_description` and `scope`: RFC 6750 §3 allows neither quotes
 * nor backslashes, and RFC 9110 §5.5 nothing that would start another header line.
 */
function quotedText(value: string): string {
  return value.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '');
}
