import { type Clock, readMilliseconds } from '../clock/clock.js';
import {
  type RevocationEntry,
  type RevocationKind,
  type RevocationPage,
  RevocationStore,
} from '../revocation/revocation-store.js';
import { decodeText, encodeText } from './encoded-text.js';
import { readNumber, readText, readTextOrNull } from './row-values.js';
import type { SqlRow, SqlValue } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

/** How many entries one statement stores. */
const batchSize = 5_000;
const pageSize = 1_000;
/** Expired entries are kept for so long, in case the clock of another instance is behind. */
const purgeMarginMs = 300_000;

/**
 * The key of an entry: its kind, issuer and value, and whether it concerns all tokens or those until a time. A hash, because
 * a value may be longer than an entry of an index.
 */
function keyOf(kind: string, issuer: string, value: string, issuedUntil: string): string {
  const parts = `${kind} || (${issuedUntil} is null) || length(${issuer}) || ':' || ${issuer} || ${value}`;
  return `sha256(convert_to(${parts}, 'UTF8'))`;
}

/**
 * Keeps the later times of two entries for one key. The row then gets the number of this transaction, so that whoever has
 * read it before reads it again.
 */
const keepLater = `on conflict (key) do update set
    issued_until = greatest(known.issued_until, excluded.issued_until),
    expires_at = greatest(known.expires_at, excluded.expires_at),
    xid = excluded.xid
  where known.issued_until < excluded.issued_until or known.expires_at < excluded.expires_at`;

const target = (qualifier: string): string =>
  `insert into ${qualifier}revocations as known (key, kind, issuer, value, issued_until, expires_at, xid)`;

/**
 * A statement that records the revocation of sessions, for use within another one.
 *
 * @param ended the name of a query that has their ids
 * @param issuer the parameter with the issuer, encoded by `encodeText`
 * @param expiresAt the parameter with the seconds at which the entry expires
 */
export function revocationsOfSessions(qualifier: string, ended: string, issuer: string, expiresAt: string): string {
  return `${target(qualifier)}
    select ${keyOf("'session'", `${issuer}::text`, 'id::text', 'null')}, 'session', ${issuer}::text, id::text, null,
      to_timestamp(${expiresAt}::float8), pg_current_xact_id()
    from ${ended} order by 1
    ${keepLater}`;
}

/**
 * Revocations in PostgreSQL. Each row has the number of the transaction that wrote it. A reading gives what transactions from
 * its cursor on have written, and its own cursor is the oldest transaction that was still running when it began: what is
 * committed late is thereby read by the next reading, and nothing is left out.
 */
export class SqlRevocationStore extends RevocationStore {
  private readonly table: string;

  constructor(
    private readonly database: StoreDatabase,
    private readonly clock: Clock,
  ) {
    super();
    this.table = `${database.qualifier}revocations`;
  }

  override async add(entries: readonly RevocationEntry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += batchSize) await this.addBatch(entries.slice(at, at + batchSize));
  }

  override async snapshot(): Promise<RevocationPage> {
    const page = await this.read({ next: null, xid: '0', seq: '0' });
    // The cursor of a snapshot is always known.
    return page ?? { entries: [], cursor: '0', hasMore: false };
  }

  override async changesSince(cursor: string): Promise<RevocationPage | null> {
    const position = parseCursor(cursor);
    return position === null ? null : await this.read(position);
  }

  /**
   * Deletes entries that have expired, at most `limit` of them. Several instances may call it at once.
   *
   * @returns how many it deleted
   */
  async purge(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `delete from ${this.table} where key in (
        select key from ${this.table} where expires_at <= $1 order by expires_at limit $2 for update skip locked)
      returning seq`,
      [new Date(now.getTime() - purgeMarginMs), limit],
    );
    return rows.length;
  }

  private async addBatch(entries: readonly RevocationEntry[]): Promise<void> {
    const given = entries.map(({ kind, issuer, value, issuedUntilSeconds, expiresAtSeconds }) => ({
      kind,
      issuer: encodeText(issuer),
      value: encodeText(value),
      issued_until: issuedUntilSeconds,
      expires_at: expiresAtSeconds,
    }));
    // In the order of the keys, so that two instances that add the same entries wait for each other and do not deadlock.
    await this.database.query(
      `${target(this.database.qualifier)}
      select ${keyOf('kind', 'issuer', 'value', 'max(issued_until)')}, kind, issuer, value,
        to_timestamp(max(issued_until)), to_timestamp(max(expires_at)), pg_current_xact_id()
      from jsonb_to_recordset($1::jsonb)
        as given (kind text, issuer text, value text, issued_until float8, expires_at float8)
      group by kind, issuer, value, issued_until is null
      order by 1
      ${keepLater}`,
      [JSON.stringify(given)],
    );
  }

  /** @returns `null` when the cursor is not from this database */
  private async read({ next, xid, seq }: Position): Promise<RevocationPage | null> {
    const now = new Date(readMilliseconds(this.clock));
    const values: SqlValue[] = [xid, seq, now, pageSize];
    const found = await this.database.query(
      `(select pg_snapshot_xmin(pg_current_snapshot())::text as xid, null as seq,
          ($1::xid8 <= pg_snapshot_xmax(pg_current_snapshot()))::text as kind, null as issuer, null as value,
          null::int8 as issued_until, null::int8 as expires_at)
      union all
      (select xid::text, seq, kind, issuer, value,
          extract(epoch from issued_until)::int8, extract(epoch from expires_at)::int8
        from ${this.table} where (xid, seq) > ($1::xid8, $2::int8) and expires_at > $3
        order by xid, seq limit $4)`,
      values,
    );
    // The row about the snapshot is the one without a number.
    const [about] = found.filter((row) => row['seq'] === null);
    const rows = found.filter((row) => row !== about);
    if (about === undefined || readText(about, 'kind') !== 'true') return null;
    // The next reading continues from where this one began, not from where its last page did.
    const continueAt = next ?? readText(about, 'xid');
    const last = rows.at(-1);
    const hasMore = rows.length === pageSize && last !== undefined;
    return {
      entries: rows.map(toEntry),
      cursor: hasMore ? `${continueAt}:${readText(last, 'xid')}:${readText(last, 'seq')}` : continueAt,
      hasMore,
    };
  }
}

/** Where a reading is. */
interface Position {
  /** Where the next reading begins; `null` when this one begins. */
  readonly next: string | null;
  /** The row that was read last; `seq` is 0 where none of that transaction was. */
  readonly xid: string;
  readonly seq: string;
}

function parseCursor(cursor: string): Position | null {
  const [, first = '', xid, seq] = /^(\d{1,19})(?::(\d{1,19}):(\d{1,18}))?$/.exec(cursor) ?? [];
  if (first === '') return null;
  return xid === undefined || seq === undefined ? { next: null, xid: first, seq: '0' } : { next: first, xid, seq };
}

function toEntry(row: SqlRow): RevocationEntry {
  const issuedUntil = readTextOrNull(row, 'issued_until');
  return {
    kind: readText(row, 'kind') as RevocationKind,
    issuer: decodeText(readText(row, 'issuer')),
    value: decodeText(readText(row, 'value')),
    issuedUntilSeconds: issuedUntil === null ? null : Number(issuedUntil),
    expiresAtSeconds: readNumber(row, 'expires_at'),
  };
}
