/**
 * Where the module reads the time. Every time check asks it, so an app (or a test) that hands in its
 * own clock decides what "now" is: `AuthModule.forRoot({ …, clock: { now: () => new Date() } })`.
 */
export abstract class Clock {
  abstract now(): Date;
}

/** The machine's own clock; what is used when an app hands in none. */
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

/** What a clock shows, in milliseconds since 1970; of the machine's own, without making a `Date` for each reading. */
export function readMilliseconds(clock: Clock): number {
  return clock instanceof SystemClock ? Date.now() : clock.now().getTime();
}
