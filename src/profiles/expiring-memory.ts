import type { LRUCache } from 'lru-cache';

import { NodeTimer, type Timer, type Clock } from '../clock/clock.js';

export interface ExpiringMemoryParts {
  /** 0 disables the memory. */
  readonly maxEntries: number;
  readonly clock: Clock;
  /** Starts the removal of expired entries. @defaultValue a timer of Node */
  readonly timer?: Timer | undefined;
}

/** The interval at which expired entries are removed, so that an idle app does not keep data of users in memory. */
const sweepMs = 60_000;

/** A bounded in-memory cache of facts about users. lru-cache is loaded at the first look-up. */
export class ExpiringMemory<Value extends object> {
  private entries: LRUCache<string, Value> | undefined;
  private readonly timer: Timer;
  private isSweepPlanned = false;

  constructor(private readonly parts: ExpiringMemoryParts) {
    this.timer = parts.timer ?? new NodeTimer();
  }

  /** Loads lru-cache. Must be awaited before any other method is called. */
  async open(): Promise<void> {
    if (this.entries !== undefined || this.parts.maxEntries === 0) return;
    const { LRUCache } = await import('lru-cache');
    this.entries ??= new LRUCache({
      max: this.parts.maxEntries,
      // Each entry has its own lifetime, measured by the app's clock with a resolution of one millisecond.
      ttl: 1,
      ttlResolution: 0,
      perf: { now: () => this.parts.clock.now().getTime() },
    });
  }

  get(key: string): Value | undefined {
    return this.entries?.get(key);
  }

  /** Stores a value for `ttlMs` milliseconds from now. */
  keep(key: string, value: Value, ttlMs: number): void {
    if (this.entries === undefined || ttlMs <= 0) return;
    this.entries.set(key, value, { ttl: ttlMs });
    if (!this.isSweepPlanned) this.planSweep();
  }

  drop(key: string): void {
    this.entries?.delete(key);
  }

  close(): void {
    this.timer.clear();
    this.entries?.clear();
  }

  private planSweep(): void {
    this.isSweepPlanned = true;
    this.timer.set(sweepMs, () => {
      this.entries?.purgeStale();
      this.isSweepPlanned = false;
      if (this.entries !== undefined && this.entries.size > 0) this.planSweep();
    });
  }
}
