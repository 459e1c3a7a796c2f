/**
 * The same text in memory of its own. The engine keeps a piece of a text as a view of the whole: whoever remembers a token out
 * of a cookie remembers all of the header, with every other cookie in it.
 *
 * @param text of ASCII characters, as a token that has passed is
 */
export function toDetachedString(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
