export interface FairQueueLimits {
  /** How many calls may be in progress. */
  readonly mostRunning: number;
  /** How many calls of one group may wait. @defaultValue no limit */
  readonly mostWaitingOfGroup?: number;
  /** How many calls may wait in all. @defaultValue no limit */
  readonly mostWaiting?: number;
}

/** How a call waits. */
export interface QueuedCall {
  /** Calls of one group have their turns one after the other. @defaultValue one group for all calls without */
  readonly group?: string;
  /** How long the call may wait. */
  readonly patienceMs: number;
  /** Makes the error of a call that had no turn in this time, or for which there was no room. */
  readonly toError: () => Error;
}

/** A call that waits for its turn. */
interface Waiter {
  readonly start: () => void;
}

/**
 * Limits how many calls are in progress. The others wait; when a call ends, each group that waits has its turn, so that a
 * group with many calls does not delay the single call of another one by more than one call.
 */
export class FairQueue {
  private running = 0;
  private waiting = 0;
  /** In the order in which they have their turn; each group's calls in the order in which they came. */
  private readonly groups = new Map<string, Set<Waiter>>();

  constructor(private readonly limits: FairQueueLimits) {}

  /** Waits for a turn, and makes the call, which is told how many milliseconds it has waited: 0 if it had its turn at once. */
  async run<Result>(call: (waitedMs: number) => Promise<Result>, how: QueuedCall): Promise<Result> {
    let waitedMs = 0;
    if (this.running < this.limits.mostRunning) this.running += 1;
    else {
      const before = performance.now();
      await this.wait(how);
      waitedMs = performance.now() - before;
    }
    try {
      return await call(waitedMs);
    } finally {
      this.passOn();
    }
  }

  private wait({ group = '', patienceMs, toError }: QueuedCall): Promise<void> {
    const { mostWaiting = Number.POSITIVE_INFINITY, mostWaitingOfGroup = mostWaiting } = this.limits;
    const waiters = this.groups.get(group) ?? new Set();
    if (this.waiting >= mostWaiting || waiters.size >= mostWaitingOfGroup) return Promise.reject(toError());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.remove(group, waiter);
        reject(toError());
      }, patienceMs);
      const waiter: Waiter = {
        start: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.groups.set(group, waiters.add(waiter));
      this.waiting += 1;
    });
  }

  /** Gives the turn of a call that has ended to the next group. */
  private passOn(): void {
    for (const [group, waiters] of this.groups) {
      for (const waiter of waiters) {
        this.remove(group, waiter);
        // The group goes to the end of the line.
        this.groups.delete(group);
        if (waiters.size > 0) this.groups.set(group, waiters);
        waiter.start();
        return;
      }
    }
    this.running -= 1;
  }

  private remove(group: string, waiter: Waiter): void {
    const waiters = this.groups.get(group);
    if (waiters?.delete(waiter) !== true) return;
    this.waiting -= 1;
    if (waiters.size === 0) this.groups.delete(group);
  }
}
