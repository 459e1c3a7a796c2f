import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import {
  type RevocationEntry,
  type RevocationKind,
  type RevocationPage,
  RevocationStore,
} from '../revocation/revocation-store.js';
import { cleanupMarginMs, RedisScript, type RedisScripts } from './redis-scripts.js';

/** How many entries one script stores. Redis answers no other client in the meantime. */
const batchSize = 500;
const pageSize = 1_000;
/** How many changes are kept at least, for processes that read after a pause. A process that missed more reads everything. */
const keptChanges = 10_000;
/** Expired entries are kept for so long, in case the clock of another instance is behind. */
const purgeMarginSeconds = 300;

/*
 * KEYS[1] is a sorted set of all entries, by the second at which they expire. KEYS[2] is a stream of the latest changes, whose
 * last entry is never trimmed: where a process has read the stream up to is known as long as that entry is there. After data
 * were lost, or more changes were made than are kept, it is not, and the process reads everything.
 */

/**
 * ARGV: the second before which entries are purged, how many changes are kept, how long both keys live, then each entry and
 * the second at which it expires.
 */
const add = new RedisScript(`
local changed = 0
for at = 4, #ARGV, 2 do
  local known = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if not known or tonumber(known) < tonumber(ARGV[at + 1]) then
    redis.call('ZADD', KEYS[1], ARGV[at + 1], ARGV[at])
    redis.call('XADD', KEYS[2], '*', 'e', ARGV[at], 'x', ARGV[at + 1])
    changed = changed + 1
  end
end
if changed > 0 then redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[2]) end
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, #ARGV)
if #expired > 0 then redis.call('ZREM', KEYS[1], unpack(expired)) end
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
end
return changed`);

/** ARGV: the ranks from and to which entries are read, those that expire last first. Gives also where the stream ends now. */
const readAll = new RedisScript(`
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local id = last and last[1] or redis.call('XADD', KEYS[2], '*', 'e', '', 'x', '0')
return { id, redis.call('ZREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES') }`);

/** ARGV: the stream entry that was read last, and how many are read. Gives it as the first one, while it is known. */
const readChanges = new RedisScript(`
local read = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', ARGV[2])) do
  read[#read + 1] = entry[1]
  read[#read + 1] = entry[2][2]
  read[#read + 1] = entry[2][4]
end
return read`);

/**
 * Revocations in Redis. Where a process is in its reading is the id of a stream entry; within the first reading of everything it
 * is that of where the stream ended when the reading began, and a rank in the sorted set.
 */
export class RedisRevocationStore extends RevocationStore {
  private readonly keys: readonly [string, string];

  constructor(
    private readonly scripts: RedisScripts,
    private readonly clock: Clock,
  ) {
    super();
    this.keys = [scripts.key('revocations', 'entries'), scripts.key('revocations', 'changes')];
  }

  override async add(entries: readonly RevocationEntry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += batchSize) await this.addBatch(entries.slice(at, at + batchSize));
  }

  override snapshot(): Promise<RevocationPage> {
    return this.readFrom(0, null);
  }

  override async changesSince(cursor: string): Promise<RevocationPage | null> {
    const [, id, rank] = /^(\d{1,20}-\d{1,20})(?:\/(\d{1,15}))?$/.exec(cursor) ?? [];
    if (id === undefined) return null;
    return rank === undefined ? await this.readSince(id) : await this.readFrom(Number(rank), id);
  }

  private async addBatch(entries: readonly RevocationEntry[]): Promise<void> {
    const now = readMilliseconds(this.clock);
    const latest = Math.max(...entries.map(({ expiresAtSeconds }) => expiresAtSeconds)) * 1_000;
    const lifeMs = Math.round(Math.max(0, latest - now)) + cleanupMarginMs;
    const given = entries.flatMap((entry) => [textOf(entry), entry.expiresAtSeconds]);
    const purged = Math.floor(now / 1_000) - purgeMarginSeconds;
    await this.scripts.run(add, this.keys, [purged, keptChanges, lifeMs, ...given]);
  }

  /**
   * One page of everything. An entry that is added meanwhile moves others to higher ranks, so that some are read twice; one that
   * is purged was behind all that are read. What moves to a page that was read already is in the stream.
   */
  private async readFrom(rank: number, beganAt: string | null): Promise<RevocationPage> {
    const reply = await this.scripts.run(readAll, this.keys, [rank, rank + pageSize - 1]);
    const [id, found] = toList(reply);
    const texts = toList(found).map(toText);
    const now = Math.floor(readMilliseconds(this.clock) / 1_000);
    const entries: RevocationEntry[] = [];
    for (let at = 0; at < texts.length; at += 2) {
      const expiresAtSeconds = Number(texts[at + 1]);
      if (expiresAtSeconds > now) entries.push(toEntry(texts[at], expiresAtSeconds));
    }
    const cursor = beganAt ?? toText(id);
    // The first one that has expired ends the reading, as all that follow have expired as well.
    const hasMore = entries.length === pageSize;
    return { entries, cursor: hasMore ? `${cursor}/${rank + pageSize}` : cursor, hasMore };
  }

  /** @returns `null` when the entry that was read last is not there any more */
  private async readSince(id: string): Promise<RevocationPage | null> {
    const texts = toList(await this.scripts.run(readChanges, this.keys, [id, pageSize + 1])).map(toText);
    if (texts[0] !== id) return null;
    const entries: RevocationEntry[] = [];
    for (let at = 3; at < texts.length; at += 3) {
      // An empty one stands where nothing had been revoked when a process first read.
      if (texts[at + 1] !== '') entries.push(toEntry(texts[at + 1], Number(texts[at + 2])));
    }
    return { entries, cursor: texts.at(-3) ?? id, hasMore: texts.length === 3 * (pageSize + 1) };
  }
}

function textOf({ kind, issuer, value, issuedUntilSeconds }: RevocationEntry): string {
  return JSON.stringify([kind, issuer, value, issuedUntilSeconds]);
}

/** What was written into Redis by others is no entry, and must not be passed over: it might stand where one was. */
function toEntry(text: string | undefined, expiresAtSeconds: number): RevocationEntry {
  try {
    const [kind, issuer, value, issuedUntilSeconds] = JSON.parse(text ?? '') as [
      RevocationKind,
      string,
      string,
      number | null,
    ];
    return { kind, issuer, value, issuedUntilSeconds, expiresAtSeconds };
  } catch (cause) {
    throw new AuthUnavailableError('Redis gave something other than a revocation', undefined, { cause });
  }
}

function toList(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? (reply as readonly unknown[]) : [];
}

/** A client may be set to give bytes. */
function toText(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply);
}
