import { type AttemptCounter, AttemptStore, mostNetworks, roomFrom } from '../issuing/attempt-store.js';
import { decodeText, encodeText } from './encoded-text.js';
import { readJson, readNumber, readText } from './row-values.js';
import type { SqlRow } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

/** How often an attempt is counted again that others have left half counted. */
const mostCollisions = 5;
/** When there is room again after so many collisions. */
const collisionMs = 1_000;

/** Which of the times of a row count for the counter that was given. */
const counted = `unnest(known.times) as counted(at) where at > given.after and at < given.before`;

/**
 * Counts of failures in PostgreSQL. A row has the times of the attempts that count under its key, in milliseconds, which are at
 * most as many as its limit.
 */
export class SqlAttemptStore extends AttemptStore {
  private readonly attempts: string;
  private readonly networks: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.attempts = `${database.qualifier}attempts`;
    this.networks = `${database.qualifier}sign_in_networks`;
  }

  /** One statement, and two for each collision. */
  override async take(counters: readonly AttemptCounter[], now: Date): Promise<Date | null> {
    for (let collision = 0; collision < mostCollisions; collision += 1) {
      const rows = await this.takeFree(counters, now);
      const full = rows.filter(isFull);
      if (full.length > 0) return latestRoom(full, counters, now);
      const taken = rows.map((row) => decodeText(readText(row, 'key')));
      if (taken.length === counters.length) return null;
      // Another attempt has taken the last place of a counter since the statement began.
      await this.giveBack(taken, now);
    }
    return new Date(now.getTime() + collisionMs);
  }

  override async giveBack(keys: readonly string[], at: Date): Promise<void> {
    if (keys.length === 0) return;
    // A row without times is purged next. The rows are locked in one order, as `take` does it, so that two statements do not wait for each other.
    await this.database.query(
      `with given as (select key from jsonb_to_recordset($1::jsonb) as given (key text)),
        found as (select known.key from ${this.attempts} as known join given using (key) order by known.key for update of known)
      update ${this.attempts} as known set
        times = known.times[:array_position(known.times, $2::int8) - 1] || known.times[array_position(known.times, $2::int8) + 1:],
        expires_at = case when cardinality(known.times) = 1 then $3 else known.expires_at end
      from found where known.key = found.key and $2::int8 = any (known.times)`,
      [JSON.stringify(keys.map((key) => ({ key: encodeText(key) }))), at.getTime(), at],
    );
  }

  override async rememberNetwork(login: string, network: string, expiresAt: Date): Promise<void> {
    await this.database.query(
      `with kept as (insert into ${this.networks} as known (login, network, expires_at) values ($1, $2, $3)
        on conflict (login, network) do update set expires_at = greatest(known.expires_at, excluded.expires_at))
      delete from ${this.networks} where (login, network) in (
        select login, network from ${this.networks} where login = $1 and network <> $2
        order by expires_at desc, network offset ${mostNetworks - 1})`,
      [encodeText(login), encodeText(network), expiresAt],
    );
  }

  override async knowsNetwork(login: string, network: string, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      `select 1 as known from ${this.networks} where login = $1 and network = $2 and expires_at > $3`,
      [encodeText(login), encodeText(network), now],
    );
    return rows.length > 0;
  }

  /** Deletes what is of no use any more, at most `limit` rows of each table. @returns how many it deleted */
  async purge(now: Date, limit: number): Promise<number> {
    const [row] = await this.database.query(
      `with attempts as (delete from ${this.attempts} where key in (
          select key from ${this.attempts} where expires_at <= $1 order by expires_at limit $2 for update skip locked)
          returning 1),
        networks as (delete from ${this.networks} where (login, network) in (
          select login, network from ${this.networks} where expires_at <= $1
          order by expires_at limit $2 for update skip locked) returning 1)
      select (select count(*) from attempts) + (select count(*) from networks) as deleted`,
      [now, limit],
    );
    return row === undefined ? 0 : readNumber(row, 'deleted');
  }

  /**
   * Counts under each counter when none is full. A counter that another attempt fills meanwhile is left out.
   *
   * @returns the keys that it counted under, with no times; or those that were full, with their times
   */
  private async takeFree(counters: readonly AttemptCounter[], now: Date): Promise<readonly SqlRow[]> {
    const ms = now.getTime();
    const given = counters.map(({ key, limit, windowMs }) => ({
      key: encodeText(key),
      most: limit,
      after: ms - windowMs,
      before: ms + windowMs,
    }));
    return await this.database.query(
      `with given as (
        select * from jsonb_to_recordset($1::jsonb) as given (key text, most int, after int8, before int8)),
      filled as (select known.key, known.times from given join ${this.attempts} as known using (key)
        where (select count(*) from ${counted}) >= given.most),
      taken as (insert into ${this.attempts} as known (key, times, expires_at)
        select key, array[$2::int8], to_timestamp(before / 1000.0) from given
        where not exists (select from filled) order by key collate "C"
        on conflict (key) do update set
          times = array(select at from given, ${counted} and given.key = known.key) || excluded.times,
          expires_at = greatest(known.expires_at, excluded.expires_at)
        where (select count(*) from given, ${counted} and given.key = known.key)
          < (select most from given where given.key = known.key)
        returning key)
      select key, null as times from taken union all select key, array_to_json(times) from filled`,
      [JSON.stringify(given), ms],
    );
  }
}

function isFull(row: SqlRow): boolean {
  return row['times'] !== null;
}

function latestRoom(full: readonly SqlRow[], counters: readonly AttemptCounter[], now: Date): Date {
  const rooms = full.map((row) => {
    const key = decodeText(readText(row, 'key'));
    const counter = counters.find((known) => known.key === key);
    return counter === undefined ? null : roomFrom(counter, readJson(row, 'times') as number[], now.getTime());
  });
  return new Date(Math.max(now.getTime(), ...rooms.filter((room) => room !== null)));
}
