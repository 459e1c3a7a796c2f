import { type Clock, readMilliseconds, SystemClock } from '../clock/clock.js';
import { type RevocationEntry, type RevocationPage, RevocationStore } from './revocation-store.js';

interface LoggedEntry {
  readonly number: number;
  readonly entry: RevocationEntry;
}

const pageSize = 1_000;

/**
 * A `RevocationStore` in memory, for tests and for several apps in one process. Provide one object to all of them, and what
 * one app revokes is refused by the others. An app without any store needs none of this: it holds its revocations itself.
 */
export class MemoryRevocationStore extends RevocationStore {
  /** In the order of their numbers. */
  private log: LoggedEntry[] = [];
  private lastNumber = 0;

  constructor(private readonly clock: Clock = new SystemClock()) {
    super();
  }

  override add(entries: readonly RevocationEntry[]): Promise<void> {
    const now = readMilliseconds(this.clock) / 1_000;
    this.log = this.log.filter(({ entry }) => entry.expiresAtSeconds > now);
    for (const entry of entries) {
      this.lastNumber += 1;
      this.log.push({ number: this.lastNumber, entry: Object.freeze({ ...entry }) });
    }
    return Promise.resolve();
  }

  override snapshot(): Promise<RevocationPage> {
    return Promise.resolve(this.pageAfter(0));
  }

  override changesSince(cursor: string): Promise<RevocationPage | null> {
    const number = /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.POSITIVE_INFINITY;
    return Promise.resolve(number > this.lastNumber ? null : this.pageAfter(number));
  }

  private pageAfter(number: number): RevocationPage {
    let at = this.log.length;
    while (at > 0 && (this.log[at - 1]?.number ?? 0) > number) at -= 1;
    const page = this.log.slice(at, at + pageSize);
    const hasMore = at + page.length < this.log.length;
    return {
      entries: page.map(({ entry }) => entry),
      cursor: String(hasMore ? (page.at(-1)?.number ?? number) : this.lastNumber),
      hasMore,
    };
  }
}
