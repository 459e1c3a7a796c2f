import { type Clock, readMilliseconds, type Timer } from '../clock/clock.js';
import type { ApiKeyStore } from './api-key-store.js';

export interface ApiKeyUsageParts {
  readonly findStore: () => ApiKeyStore;
  readonly clock: Clock;
  readonly timer: Timer;
}

/** A use is stored after a minute at the latest, so each key is written once a minute at most. */
const flushAfterMs = 60_000;
/** How many keys can be noted between two flushes; uses of further ones are dropped. */
const mostKeys = 100_000;
const batchSize = 1_000;

/** Notes when keys are used, and stores it in batches, so that no request waits for a write. */
export class ApiKeyUsage {
  private uses = new Map<string, number>();
  private flushing: Promise<void> = Promise.resolve();
  private isScheduled = false;
  private isStopped = false;

  constructor(private readonly parts: ApiKeyUsageParts) {}

  note(id: string): void {
    if (this.uses.size >= mostKeys && !this.uses.has(id)) return;
    this.uses.set(id, readMilliseconds(this.parts.clock));
    if (this.isScheduled || this.isStopped) return;
    this.isScheduled = true;
    this.parts.timer.set(flushAfterMs, () => {
      this.isScheduled = false;
      void this.flush();
    });
  }

  /** Stores what was noted. What the store does not take is dropped. Never rejects. */
  flush(): Promise<void> {
    const { uses } = this;
    this.uses = new Map();
    this.flushing = this.flushing.then(() => this.write(uses));
    return this.flushing;
  }

  /** The last flush, when the app stops. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.parts.timer.clear();
    await this.flush();
  }

  private async write(uses: ReadonlyMap<string, number>): Promise<void> {
    const noted = [...uses].map(([id, at]) => ({ id, at: new Date(at) }));
    try {
      const store = this.parts.findStore();
      for (let at = 0; at < noted.length; at += batchSize) await store.noteUses(noted.slice(at, at + batchSize));
    } catch {
      // The database reports its outages itself, and a time of use is not worth more memory.
    }
  }
}
