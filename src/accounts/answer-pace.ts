/** How long the hashes of one cost take, or one way of a request. */
interface Duration {
  /** An average in which the last ones count most. */
  ms: number;
  seenAt: number;
}

/** Hashes of a cost that were not verified for so long are not waited for any more. */
const rememberedMs = 60 * 60 * 1000;
/** Costs come from imported hashes, which could all differ. */
const mostCosts = 32;
/** A hash on a busy machine takes longer than the average. */
const margin = 1.25;
const longestRestMs = 3000;

/**
 * Makes wrong passwords equally slow where accounts have hashes of different costs: imported ones verify faster or slower than those
 * made here, by which an account could be distinguished from none. While only one cost is seen, nothing waits.
 */
export class AnswerPace {
  private readonly durations = new Map<string, Duration>();

  /** @param now monotonic milliseconds; durations are real time, independent of the app's clock */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Records how long a hash took, and returns how much longer the answer has to wait.
   *
   * @param fewest how many costs have to be known for anybody to wait
   */
  restOf(cost: string, tookMs: number, fewest = 2): number {
    const now = this.now();
    this.record(cost, tookMs, now);
    let longest = 0;
    for (const [name, { ms, seenAt }] of this.durations) {
      if (now - seenAt > rememberedMs) this.durations.delete(name);
      else longest = Math.max(longest, ms);
    }
    if (this.durations.size < fewest) return 0;
    return Math.min(longestRestMs, Math.max(0, longest * margin - tookMs));
  }

  /**
   * Runs what may go one of several ways, and returns when the slowest of them would have. Without that, the time would tell which way it
   * went.
   *
   * @param run resolves to the name of the way
   */
  async even(run: () => Promise<string>): Promise<void> {
    const startedAt = this.now();
    const way = await run();
    // Also while one way alone is known: another one would show by its time.
    const rest = this.restOf(way, this.now() - startedAt, 1);
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  }

  private record(cost: string, tookMs: number, now: number): void {
    const known = this.durations.get(cost);
    // Again, so that the map is in the order of the last use.
    this.durations.delete(cost);
    this.durations.set(cost, { ms: known === undefined ? tookMs : known.ms * 0.9 + tookMs * 0.1, seenAt: now });
    const oldest = this.durations.size > mostCosts ? this.durations.keys().next().value : undefined;
    if (oldest !== undefined) this.durations.delete(oldest);
  }
}
