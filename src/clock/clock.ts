/**
 * Gives the module the current time. Every time check reads it, so an app or a test controls the time by passing its
 * own clock: `AuthModule.forRoot({ …, clock: { now: () => new Date() } })`.
 */
export abstract class Clock {
  abstract now(): Date;
}

/** The system clock, which is the default. */
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}

/** Reads a clock in milliseconds since 1970. The system clock is read without creating a `Date`. */
export function readMilliseconds(clock: Clock): number {
  return clock instanceof SystemClock ? Date.now() : clock.now().getTime();
}

/** Calls a function after a delay. A timer has at most one pending call: `set` replaces it, `clear` cancels it. */
export abstract class Timer {
  abstract set(delayMs: number, onElapsed: () => void): void;
  abstract clear(): void;
}

/** The longest delay that Node's `setTimeout` accepts. */
const longestDelayMs = 2 ** 31 - 1;

/** A timer that uses Node's `setTimeout`. It does not keep the process alive. */
export class NodeTimer extends Timer {
  private timer: NodeJS.Timeout | undefined;

  override set(delayMs: number, onElapsed: () => void): void {
    this.clear();
    this.timer = setTimeout(onElapsed, Math.min(delayMs, longestDelayMs)).unref();
  }

  override clear(): void {
    clearTimeout(this.timer);
  }
}
