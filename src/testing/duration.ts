const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A span of time in a test: a number of seconds, or a number with a unit (`'30s'`, `'5m'`, `'2h'`, `'1d'`).
 * Negative ones lie in the past: `'-10s'`.
 */
export type Duration = number | `${number}${'s' | 'm' | 'h' | 'd'}`;

/** @throws {TypeError} when the text is no duration, for a mistyped one would make a test pass for the wrong reason. */
export function toSeconds(duration: Duration): number {
  if (typeof duration === 'number') {
    return duration;
  }
  const [, amount, unit = ''] = /^(-?\d+(?:\.\d+)?)([smhd])$/.exec(duration) ?? [];
  const factor = secondsPer[unit];
  if (amount === undefined || factor === undefined) {
    throw new TypeError(`TestIssuer: ${JSON.stringify(duration)} is no duration; write 300, '30s', '5m', '2h' or '1d'`);
  }
  return Math.floor(Number(amount) * factor);
}
