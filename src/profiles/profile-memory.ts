import type { LRUCache } from 'lru-cache';

import { type Alarm, TimerAlarm } from '../clock/alarm.js';
import type { Clock } from '../clock/clock.js';
import type { ProfileRecord } from './profile-record.js';

/** A record in memory, and when a refresh that failed may be tried again. */
export interface HeldProfile {
  readonly record: ProfileRecord;
  retryAt: number;
}

export interface ProfileMemoryParts {
  /** 0: nothing is kept. */
  readonly maxEntries: number;
  readonly clock: Clock;
  /** Wakes it up to drop what is over. @defaultValue the machine's timers */
  readonly alarm?: Alarm | undefined;
}

/** How often what is over is dropped, so that a quiet app does not hold on to the people of its last rush. */
const sweepMs = 60_000;

/** What this instance of the app knows of users, up to a bound. lru-cache is loaded with the first look-up. */
export class ProfileMemory {
  private entries: LRUCache<string, HeldProfile> | undefined;
  private readonly alarm: Alarm;
  private isAwake = false;

  constructor(private readonly parts: ProfileMemoryParts) {
    this.alarm = parts.alarm ?? new TimerAlarm();
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

  get(key: string): HeldProfile | undefined {
    return this.entries?.get(key);
  }

  /** Keeps a record for so many milliseconds from now on. */
  keep(key: string, record: ProfileRecord, ttlMs: number): void {
    if (this.entries === undefined || ttlMs <= 0) return;
    this.entries.set(key, { record, retryAt: 0 }, { ttl: ttlMs });
    if (!this.isAwake) this.wakeLater();
  }

  drop(key: string): void {
    this.entries?.delete(key);
  }

  close(): void {
    this.alarm.clear();
    this.entries?.clear();
  }

  private wakeLater(): void {
    this.isAwake = true;
    this.alarm.set(sweepMs, () => {
      this.entries?.purgeStale();
      this.isAwake = false;
      if (this.entries !== undefined && this.entries.size > 0) this.wakeLater();
    });
  }
}
