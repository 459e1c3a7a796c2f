const longest = 200;

/**
 * A text that came with a request (an issuer, a key id, …) as it may stand in a log line: quoted, on one
 * line, short, and with nothing in it that a terminal or a log reader would take for more than text.
 */
export function logText(value: unknown): string {
  const text = typeof value === 'string' ? value : describe(value);
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  // Control characters (C0, C1, DEL), line and paragraph separators, and the marks that turn reading order.
  const plain = cut.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
  return typeof value === 'string' ? `"${plain.replaceAll('"', '\\"')}"` : plain;
}

function describe(value: unknown): string {
  // JSON has no text for `undefined`, whatever its types say.
  return value === undefined ? 'undefined' : JSON.stringify(value);
}
