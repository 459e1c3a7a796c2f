import { AuthUnavailableError } from '../errors/auth-error.js';
import { DpopReplayStore } from './dpop-replay-store.js';

/** How many proofs are remembered: 1,000 a second for five minutes. They take about 40 MB. */
const usualMost = 300_000;
/** How many of the oldest entries each call looks at. */
const sweptEach = 2;
/** How long a store that is full waits before it looks through all entries again. */
const sweepEveryMs = 1_000;

/** A `DpopReplayStore` in memory: what an app of one process needs. Its entries end with the process. */
export class MemoryDpopReplayStore extends DpopReplayStore {
  /** When each expires, in the order in which they came. */
  private readonly expiries = new Map<string, number>();
  private sweptAt = Number.NEGATIVE_INFINITY;

  /** @param most how many proofs are remembered at one time */
  constructor(private readonly most = usualMost) {
    super();
  }

  override remember(key: string, expiresAt: Date, now: Date): Promise<boolean> {
    const ms = now.getTime();
    this.sweepOldest(ms);
    const known = this.expiries.get(key);
    if (known !== undefined && known > ms) return Promise.resolve(false);
    this.expiries.delete(key);
    if (this.expiries.size >= this.most) this.sweep(ms);
    if (this.expiries.size >= this.most) {
      const explanation = `${this.most} DPoP proofs are remembered, and there is no room for another one until some expire`;
      return Promise.reject(new AuthUnavailableError(explanation));
    }
    this.expiries.set(key, expiresAt.getTime());
    return Promise.resolve(true);
  }

  /** Entries expire nearly in the order in which they came, so that this keeps the map small. */
  private sweepOldest(now: number): void {
    let left = sweptEach;
    for (const [key, expiresAt] of this.expiries) {
      if (expiresAt > now || left === 0) return;
      this.expiries.delete(key);
      left -= 1;
    }
  }

  private sweep(now: number): void {
    if (Math.abs(now - this.sweptAt) < sweepEveryMs) return;
    this.sweptAt = now;
    for (const [key, expiresAt] of this.expiries) if (expiresAt <= now) this.expiries.delete(key);
  }
}
