import type { KeyFetch } from './held-keys.js';

const shortestPauseMs = 1_000;
/** The fraction by which a delay may be longer or shorter than its step. */
const jitter = 0.2;
const firstStepMs = shortestPauseMs / (1 - jitter);
/**
 * Together with its jitter and with a call that has started before the outage ended, it is less than 20 seconds: for so long an
 * app that has no keys answers 503 after the end of an outage.
 */
const longestStepMs = 12_000;

/**
 * Decides when a failed operation may be retried. A single failure is often transient, so the first retry is allowed at
 * once. From the second failure on the delay is 1.25 s, 2.5 s, 5 s, 10 s, and then 12 s. Each delay is randomized by 20 %, so
 * that many instances do not retry at the same time, and is at least one second and at most 14.4 seconds.
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

  /** Milliseconds until the next retry is allowed. */
  remainingMs(now: number): number {
    // A time before the failure means that the clock was set back, so the remaining delay is meaningless.
    return now < this.lastFailure ? 0 : Math.max(0, this.notBefore - now);
  }

  /** Milliseconds after which a timer should retry; at least one second, even where a retry is allowed at once. */
  wakeInMs(now: number): number {
    return Math.max(this.remainingMs(now), shortestPauseMs);
  }

  /** @returns whether it is the first failure of this outage. */
  noteFailure(now: number): boolean {
    this.failures += 1;
    if (this.failures === 1) this.since = now;
    this.lastFailure = now;
    this.notBefore = now + (this.failures === 1 ? 0 : pauseAfter(this.failures));
    return this.failures === 1;
  }

  /** @returns the duration of the outage in milliseconds; `null` when there was none. */
  noteSuccess(now: number): number | null {
    const lasted = this.failing ? now - this.since : null;
    this.failures = 0;
    this.notBefore = 0;
    return lasted;
  }
}

/** The delay from the second failure on. The steps are chosen so that the jitter keeps them within the bounds. */
function pauseAfter(failures: number): number {
  const step = Math.min(firstStepMs * 2 ** (failures - 2), longestStepMs);
  return step * (1 - jitter + Math.random() * 2 * jitter);
}

/** The time for which a refetch counts, from its start. */
const windowMs = 10_000;
/** The number of refetches without the wanted key that are allowed within the window. */
const maxMisses = 3;
/** The number of successful refetches that are allowed within the window. */
const maxHits = 10;

/**
 * Limits how often unknown key ids cause the key set to be fetched again. After three fetches within ten seconds that did not
 * contain the wanted key, no unknown key id causes another one until ten seconds have passed since the start of the first of
 * them. Forged key ids therefore cost three calls per ten seconds, whatever their number, and delay a real rotation by at most that
 * time; one or two of them delay nothing. Requests that share a fetch count once. Successful refetches are limited to ten within
 * the window, which only a server that changes its key set at every call exceeds.
 */
export class RefetchCooldown {
  private readonly misses = new RecentFetches(maxMisses);
  private readonly hits = new RecentFetches(maxHits);

  isActive(now: number): boolean {
    return this.misses.areUsedUp(now) || this.hits.areUsedUp(now);
  }

  note(fetch: KeyFetch, isHit: boolean): void {
    (isHit ? this.hits : this.misses).add(fetch);
  }
}

/** The last fetches of one kind, the oldest first. */
class RecentFetches {
  private readonly fetches: KeyFetch[] = [];

  constructor(private readonly limit: number) {}

  add(fetch: KeyFetch): void {
    if (this.fetches.at(-1) === fetch) return;
    this.fetches.push(fetch);
    if (this.fetches.length > this.limit) this.fetches.shift();
  }

  /** Whether as many as allowed have started within the window. */
  areUsedUp(now: number): boolean {
    return this.fetches.length === this.limit && isWithinWindow(this.fetches[0], now);
  }
}

/** A clock that was set back may show a time before the fetch, which is outside of the window. */
function isWithinWindow(fetch: KeyFetch | undefined, now: number): boolean {
  return fetch !== undefined && now >= fetch.askedAt && now < fetch.askedAt + windowMs;
}
