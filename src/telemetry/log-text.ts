const longest = 200;

/**
 * A text that came with a request (an issuer, a key id, …) as it may stand in a log line: quoted, on one
 * line, short, and with nothing in it that a terminal or a log reader would take for more than text.
 */
export function logText(value: unknown): string {
  const text = typeof value === 'string' ? value : describe(value);
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  if (typeof value !== 'string') return escapeActive(cut);
  return `"${escapeActive(cut.replaceAll(/["\\]/g, '\\$&'))}"`;
}

/** Control characters (C0, C1, DEL), line and paragraph separators, marks that turn reading order, half characters. */
function escapeActive(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** As JSON, where there is JSON for it: a log line must not fail over what it tells. */
function describe(value: unknown): string {
  try {
    // There is none for `undefined`, a function or a symbol, whatever its types say.
    const json: unknown = JSON.stringify(value);
    return typeof json === 'string' ? json : typeof value;
  } catch {
    return typeof value;
  }
}
