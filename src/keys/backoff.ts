import type { KeyFetch } from './held-keys.js';

const shortestPauseMs = 1_000;
const longestPauseMs = 60_000;
/** How much a pause may be longer or shorter than its step. */
const jitter = 0.2;
const firstStepMs = shortestPauseMs / (1 - jitter);
const longestStepMs = longestPauseMs / (1 + jitter);

/**
 * When something that fails may be tried again. One failure is often a blip, so the first new try may
 * come at once; from the second failure on it waits 1.25 s, 2.5 s, 5 s, … up to 50 s, each a fifth more or less, so that
 * many instances do not come back in step: never less than a second, and never more than a minute.
 */
export class Backoff {
  private failures = 0;
  private since = 0;
  private lastFailure = 0;
  private notBefore = 0;

  get failing(): boolean {
    return this.failures > 0;
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
    return Math.max(this.remainingMs(now), shortestPauseMs);
  }

  /** @returns whether it is the first of this outage. */
  noteFailure(now: number): boolean {
    this.failures += 1;
    if (this.failures === 1) this.since = now;
    this.lastFailure = now;
    this.notBefore = now + (this.failures === 1 ? 0 : pauseAfter(this.failures));
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

/** From the second failure on. The steps are such that a fifth more or less leaves them between the bounds. */
function pauseAfter(failures: number): number {
  const step = Math.min(firstStepMs * 2 ** (failures - 2), longestStepMs);
  return step * (1 - jitter + Math.random() * 2 * jitter);
}

/** How long a refetch counts. */
const windowMs = 10_000;
/** How many may bring what was wanted within that time. */
const mostFound = 10;

/**
 * How often unknown key ids may have a key set fetched again. A fetch that did not bring the key keeps them all from
 * causing another one for ten seconds from its start, so made-up key ids cost one call in that time, however many
 * they are, and delay a true rotation by that time at the most. Who shares a fetch adds nothing to its cost. True
 * rotations are hardly limited: only a server that shows another set each time it is asked is slowed down.
 */
export class RefetchCooldown {
  private inVain: KeyFetch | undefined;
  /** Those that brought what was wanted, the oldest first. */
  private readonly found: KeyFetch[] = [];

  isSpent(now: number): boolean {
    const oldest = this.found.length < mostFound ? undefined : this.found[0];
    return counts(this.inVain, now) || counts(oldest, now);
  }

  note(fetch: KeyFetch, foundIt: boolean): void {
    if (!foundIt) {
      this.inVain = fetch;
    } else if (this.found.at(-1) !== fetch) {
      this.found.push(fetch);
      if (this.found.length > mostFound) this.found.shift();
    }
  }
}

/** Not before its start either, where a clock that was put back is. */
function counts(fetch: KeyFetch | undefined, now: number): boolean {
  return fetch !== undefined && now >= fetch.askedAt && now < fetch.askedAt + windowMs;
}
