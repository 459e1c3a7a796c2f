/** Stores that do what real ones do at their worst. */
import { MemoryRevocationStore } from '../../../src/revocation/memory-revocation-store.js';
import {
  type RevocationEntry,
  type RevocationPage,
  RevocationStore,
} from '../../../src/revocation/revocation-store.js';

import { ManualClock } from '../../support/manual-clock.js';

/** A store whose server is away, silent, or answers nonsense, as the test says. */
export class FaultyStore extends RevocationStore {
  state: 'up' | 'down' | 'silent' | 'forgetful' | { readonly page: unknown } = 'up';
  reads = 0;
  private readonly kept = new MemoryRevocationStore(new ManualClock());

  override add(entries: readonly RevocationEntry[]): Promise<void> {
    return this.answer(() => this.kept.add(entries));
  }

  override snapshot(): Promise<RevocationPage> {
    this.reads += 1;
    return this.answer(() => this.kept.snapshot());
  }

  override changesSince(cursor: string): Promise<RevocationPage | null> {
    this.reads += 1;
    if (this.state === 'forgetful') return Promise.resolve(null);
    return this.answer(() => this.kept.changesSince(cursor));
  }

  private answer<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (typeof this.state === 'object') return Promise.resolve(this.state.page as Answer);
    if (this.state === 'down')
      return Promise.reject(new Error('connect ECONNREFUSED redis://user:secret@store.example'));
    return this.state === 'silent' ? new Promise(() => undefined) : ask();
  }
}

interface Row {
  readonly transaction: number;
  readonly entry: RevocationEntry;
  isCommitted: boolean;
}

/**
 * A table of a database with transactions that commit in another order than they began, and one entry a page. Its cursor is
 * that of PostgreSQL's `pg_snapshot_xmin`: the oldest transaction that was still running when the page was read.
 */
export class TransactionalStore extends RevocationStore {
  private readonly rows: Row[] = [];

  begin(entry: RevocationEntry): { commit: () => void } {
    const row: Row = { transaction: this.rows.length, entry, isCommitted: false };
    this.rows.push(row);
    return {
      commit: () => {
        row.isCommitted = true;
      },
    };
  }

  override add(entries: readonly RevocationEntry[]): Promise<void> {
    for (const entry of entries) this.begin(entry).commit();
    return Promise.resolve();
  }

  override snapshot(): Promise<RevocationPage> {
    return Promise.resolve(this.pageFrom(0, 0));
  }

  override changesSince(cursor: string): Promise<RevocationPage | null> {
    const [from, offset] = cursor.split('+').map(Number);
    return Promise.resolve(from === undefined || offset === undefined ? null : this.pageFrom(from, offset));
  }

  private pageFrom(from: number, offset: number): RevocationPage {
    const visible = this.rows.filter(({ transaction, isCommitted }) => isCommitted && transaction >= from);
    const running = this.rows.find(({ isCommitted }) => !isCommitted)?.transaction ?? this.rows.length;
    const hasMore = offset + 1 < visible.length;
    return {
      entries: visible.slice(offset, offset + 1).map(({ entry }) => entry),
      cursor: hasMore ? `${from}+${offset + 1}` : `${running}+0`,
      hasMore,
    };
  }
}
