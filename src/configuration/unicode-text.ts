/** Whether a text can be stored by any database: PostgreSQL refuses U+0000, and half a surrogate pair is no character. */
export function isUnicodeText(text: string): boolean {
  return !/[\0\p{Cs}]/u.test(text);
}

/** The text without what `isUnicodeText` refuses, at most so many characters of it. */
export function toUnicodeText(text: string, longest: number): string {
  // Cut first, because that may split a pair.
  return text.slice(0, longest).replaceAll(/[\0\p{Cs}]/gu, '');
}
