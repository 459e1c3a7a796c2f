import type { Clock, Timer } from '../clock/clock.js';

/** A store with rows that nobody needs any more after some time. */
export interface PurgeableStore {
  /** Deletes at most so many of them, in one statement. @returns how many it deleted */
  purge(now: Date, limit: number): Promise<number>;
}

/** Whether a store has rows to delete. */
export function isPurgeable(store: unknown): store is PurgeableStore {
  return typeof (store as Partial<PurgeableStore>).purge === 'function';
}

export interface SqlMaintenanceParts {
  readonly stores: readonly PurgeableStore[];
  readonly clock: Clock;
  readonly timer: Timer;
}

/** Minutes apart, so that a purge is a small one. */
const everyMs = 300_000;
/** Instances that were started together do not purge together. */
const jitter = 0.2;
/** One statement holds few row locks, and delays the statements of requests by a few milliseconds at most. */
const batchSize = 200;
const mostBatches = 250;
/** The pause after a statement, as a multiple of the time that it took: on a slow database the job is slower as well. */
const pauseFactor = 4;

/**
 * Deletes what nobody needs any more, such as sessions long after their end, and revocations of tokens that have expired. Each
 * instance of the app does so every five minutes, in small statements that leave out the rows of one another, and a fifth of
 * the time at most.
 */
export class SqlMaintenance {
  private isStopped = false;
  private purging: Promise<void> | null = null;
  private endPause: (() => void) | null = null;

  constructor(private readonly parts: SqlMaintenanceParts) {}

  start(): void {
    if (this.isStopped) return;
    this.parts.timer.set(everyMs * (1 + jitter * Math.random()), () => {
      this.purging = this.purge().then(() => {
        this.purging = null;
        this.start();
      });
    });
  }

  /** Resolves when a purge that is running has come to its end. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.parts.timer.clear();
    this.endPause?.();
    await this.purging;
  }

  /** Never rejects: an outage has been reported by the database, and the next purge makes up for it. */
  async purge(): Promise<void> {
    const { stores, clock } = this.parts;
    for (const store of stores) {
      try {
        await this.purgeStore((limit) => store.purge(clock.now(), limit));
      } catch {
        return;
      }
    }
  }

  private async purgeStore(purge: (limit: number) => Promise<number>): Promise<void> {
    for (let batch = 0; batch < mostBatches && !this.isStopped; batch += 1) {
      const before = performance.now();
      if ((await purge(batchSize)) < batchSize) return;
      await this.pause((performance.now() - before) * pauseFactor);
    }
  }

  private async pause(ms: number): Promise<void> {
    if (this.isStopped) return;
    await new Promise<void>((resolve) => {
      this.endPause = resolve;
      this.parts.timer.set(ms, resolve);
    });
    this.endPause = null;
  }
}
