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

/** Wakes somebody up later. One timer rings once; setting it anew forgets the time before. */
export abstract class Timer {
  abstract set(delayMs: number, ring: () => void): void;
  abstract clear(): void;
}

/** The longest time that a timer of Node can be set to. */
const longestDelayMs = 2 ** 31 - 1;

/** An timer by the machine's timers. It does not keep the process alive. */
export class NodeTimer extends Timer {
  private timer: NodeJS.Timeout | undefined;

  override set(delayMs: number, ring: () => void): void {
    this.clear();
    this.timer = setTimeout(ring, Math.min(delayMs, longestDelayMs)).unref();
  }

  override clear(): void {
    clearTimeout(this.timer);
  }
}
