import type { LRUCache } from 'lru-cache';

import { NodeTimer, type Timer, type Clock } from '../clock/clock.js';

export interface ExpiringMemoryParts {
  /** 0: nothing is kept. */
  readonly maxEntries: number;
  readonly clock: Clock;
  /** Wakes it up to drop what is over. @defaultValue the machine's timers */
  readonly timer?: Timer | undefined;
}

/** How often what is over is dropped, so that a quiet app does not hold on to the people of its last rush. */
const sweepMs = 60_000;

/** What this instance of the app knows of users, up to a bound. lru-cache is loaded with the first look-up. */
export class ExpiringMemory<Value extends object> {
  private entries: LRUCache<string, Value> | undefined;
  private readonly timer: Timer;
  private isAwake = false;

  constructor(private readonly parts: ExpiringMemoryParts) {
    this.timer = parts.timer ?? new NodeTimer();
  }

  /** To be waited for before anything else. */
  async open(): Promise<void> {
    if (this.entries !== undefined || this.parts.maxEntries === 0) return;
    const { LRUCache } = await import('lru-cache');
    this.entries ??= new LRUCache({
      max: this.parts.maxEntries,
      // Each entry says for how long; that of the app's clock, to the millisecond.
      ttl: 1,
      ttlResolution: 0,
      perf: { now: () => this.parts.clock.now().getTime() },
    });
  }

  get(key: string): Value | undefined {
    return this.entries?.get(key);
  }

  /** Keeps it for so many milliseconds from now on. */
  keep(key: string, value: Value, ttlMs: number): void {
    if (this.entries === undefined || ttlMs <= 0) return;
    this.entries.set(key, value, { ttl: ttlMs });
    if (!this.isAwake) this.wakeLater();
  }

  drop(key: string): void {
    this.entries?.delete(key);
  }

  close(): void {
    this.timer.clear();
    this.entries?.clear();
  }

  private wakeLater(): void {
    this.isAwake = true;
    this.timer.set(sweepMs, () => {
      this.entries?.purgeStale();
      this.isAwake = false;
      if (this.entries !== undefined && this.entries.size > 0) this.wakeLater();
    });
  }
}
