const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/** How long a failure speaks for the present. While anybody asks, the next try comes well within it. */
const telltaleMs = 2 * longestPauseMs;

/**
 * When something that fails may be tried again. One failure is often a blip, so the first new try may
 * come at once; from the second failure on it waits 1 s, 2 s, 4 s, … up to a minute, each a fifth more or
 * less, so that many instances do not come back in step.
 */
export class Backoff {
  private failures = 0;
  private since = 0;
  private lastFailure = 0;
  private notBefore = 0;

  get failing(): boolean {
    return this.failures > 0;
  }

  /** Whether it has failed so lately that it can be taken to fail still. */
  failsStill(now: number): boolean {
    return this.failing && now - this.lastFailure < telltaleMs;
  }

  mayTry(now: number): boolean {
    return this.remainingMs(now) === 0;
  }

  /** Milliseconds until it may be tried again. */
  remainingMs(now: number): number {
    // Before the failure itself: the clock was put back, and the time until then means nothing.
    return now < this.lastFailure ? 0 : Math.max(0, this.notBefore - now);
  }

  /** Milliseconds after which it should be tried again by itself: what may be tried at once waits a little. */
  wakeInMs(now: number): number {
    return Math.max(this.remainingMs(now), firstPauseMs);
  }

  /** @returns whether it is the first of this outage. */
  noteFailure(now: number): boolean {
    this.failures += 1;
    if (this.failures === 1) this.since = now;
    this.lastFailure = now;
    const pause = this.failures === 1 ? 0 : Math.min(firstPauseMs * 2 ** (this.failures - 2), longestPauseMs);
    this.notBefore = now + pause * (0.8 + Math.random() * 0.4);
    return this.failures === 1;
  }

  /** @returns how long the outage lasted in milliseconds, or `null` when there was none. */
  noteSuccess(now: number): number | null {
    const lasted = this.failing ? now - this.since : null;
    this.failures = 0;
    this.notBefore = 0;
    return lasted;
  }
}
