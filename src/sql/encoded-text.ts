/**
 * Writes any JavaScript string as a text that PostgreSQL can store, so that two strings never become one: the character
 * U+0000 and lone surrogates are escaped, and the backslash with them. Ids of tokens may have any characters.
 */
export function encodeText(text: string): string {
  return text.replaceAll(/[\\\0]|\p{Cs}/gu, (unit) =>
    unit === '\\' ? '\\\\' : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Reads what `encodeText` has written. */
export function decodeText(text: string): string {
  return text.replaceAll(/\\(\\|u([\da-f]{4}))/g, (_, escaped: string, code: string | undefined) =>
    code === undefined ? escaped : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
