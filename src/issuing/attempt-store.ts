/** Limits how many attempts of one kind are counted within a time. */
export interface AttemptCounter {
  /** What is counted under it. It is a hash, so that the store has no address of a person or a network. */
  readonly key: string;
  /** The most attempts that are counted within the window. */
  readonly limit: number;
  /** The milliseconds for which an attempt counts. */
  readonly windowMs: number;
}

/** How many networks are remembered for each login; the latest ones are kept. */
export const mostNetworks = 20;

/**
 * Where the instances of an app share their counts of failures, and the networks that people sign in from. `SqlStoresModule`
 * provides one; an app that provides its own under this token, in a global module, replaces it. `describeAttemptStore` of
 * `nest-gatehouse/testing` tests an implementation.
 *
 * The window of a counter slides: an attempt counts for exactly as long, so a store keeps the time of each. It drops times and
 * networks that are of no use any more. Times are those of the app's clock, in milliseconds. All methods reject when the store
 * does not answer; the caller is then answered with 503.
 */
export abstract class AttemptStore {
  /**
   * Counts one attempt under each counter, or under none of them when one has its limit already. However many calls are made at
   * once, no counter exceeds its limit. Each key is given once.
   *
   * @returns `null` when it was counted; otherwise the time from which on each counter has room
   */
  abstract take(counters: readonly AttemptCounter[], now: Date): Promise<Date | null>;

  /** Forgets one attempt under each of the keys, which was counted at this time. */
  abstract giveBack(keys: readonly string[], at: Date): Promise<void>;

  /** Remembers until `expiresAt` that a login was used from a network, of the latest 20 of a login. Both are hashes. */
  abstract rememberNetwork(login: string, network: string, expiresAt: Date): Promise<void>;

  /** Whether that is remembered. */
  abstract knowsNetwork(login: string, network: string, now: Date): Promise<boolean>;
}

/** The times that count at this moment, the oldest first. A time far in the future is from a clock that was wrong. */
export function countedTimes(times: readonly number[], windowMs: number, now: number): readonly number[] {
  return times.filter((at) => Math.abs(at - now) < windowMs).sort((one, other) => one - other);
}

/** When a counter that has these times has room; `null` when it has room now. */
export function roomFrom({ limit, windowMs }: AttemptCounter, times: readonly number[], now: number): number | null {
  const counted = countedTimes(times, windowMs, now);
  const blocking = counted[counted.length - limit];
  return blocking === undefined ? null : blocking + windowMs;
}
