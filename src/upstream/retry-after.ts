/** The longest wait that is believed; what is beyond a day was not meant, or is not worth telling. */
const longestSeconds = 86_400;

/**
 * The seconds that a `Retry-After` asks for (RFC 9110 §10.2.3): a number of them, or a date. `undefined` where there
 * is none, or one that says neither.
 */
export function readRetryAfter(value: string | null, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text), longestSeconds);
  // The parser of dates takes many things for one; every form of RFC 9110's begins with the day's name.
  const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) return undefined;
  const seconds = Math.ceil((date - now.getTime()) / 1_000);
  return Math.min(Math.max(seconds, 0), longestSeconds);
}
