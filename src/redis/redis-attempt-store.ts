import { type Clock, readMilliseconds } from '../clock/clock.js';
import { type AttemptCounter, AttemptStore, mostNetworks } from '../issuing/attempt-store.js';
import { cleanupMarginMs, fingerprint, RedisScript, type RedisScripts } from './redis-scripts.js';

/** Lets a key live for at least so many milliseconds. A key that is new has no limit yet. */
const keepFor = `
local function keepFor(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
end`;

/**
 * ARGV: now, the margin, then limit and window of each key. Each key is a list of the times that count under it.
 * Gives -1 when it was counted under all of them, otherwise when there is room.
 */
const take = new RedisScript(`
local now = tonumber(ARGV[1])
local counted = {}
local room = -1
for at, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[1 + at * 2]), tonumber(ARGV[2 + at * 2])
  local times = {}
  for _, text in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local time = tonumber(text)
    if math.abs(time - now) < window then times[#times + 1] = time end
  end
  table.sort(times)
  local blocking = times[#times - limit + 1]
  if blocking then room = math.max(room, blocking + window) end
  counted[at] = times
end
if room >= 0 then return string.format('%.0f', room) end
for at, key in ipairs(KEYS) do
  redis.call('DEL', key)
  for _, time in ipairs(counted[at]) do redis.call('RPUSH', key, string.format('%.0f', time)) end
  redis.call('RPUSH', key, ARGV[1])
  redis.call('PEXPIRE', key, string.format('%.0f', tonumber(ARGV[2 + at * 2]) + tonumber(ARGV[2])))
end
return '-1'`);

/** ARGV: the time of the attempt. */
const giveBack = new RedisScript(`
for _, key in ipairs(KEYS) do redis.call('LREM', key, 1, ARGV[1]) end
return 1`);

/**
 * ARGV: the network, when it expires, how many are kept, and the life of the key. A set of networks, sorted by when they expire.
 */
const rememberNetwork = new RedisScript(`${keepFor}
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) end
while redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) do
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 1)
  redis.call('ZREM', KEYS[1], oldest[1] == ARGV[1] and oldest[2] or oldest[1])
end
keepFor(KEYS[1], ARGV[4])
return 1`);

/** ARGV: the network, now. */
const knowsNetwork = new RedisScript(`
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
return known and tonumber(known) > tonumber(ARGV[2]) and 1 or 0`);

/** Counts of failures in Redis. */
export class RedisAttemptStore extends AttemptStore {
  constructor(
    private readonly scripts: RedisScripts,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async take(counters: readonly AttemptCounter[], now: Date): Promise<Date | null> {
    const [first, ...others] = counters.map(({ key }) => this.counterKey(key));
    if (first === undefined) return null;
    const terms = counters.flatMap(({ limit, windowMs }) => [limit, windowMs]);
    const reply = await this.scripts.run(take, [first, ...others], [now.getTime(), cleanupMarginMs, ...terms]);
    const room = Number(reply);
    return room === -1 ? null : new Date(room);
  }

  override async giveBack(keys: readonly string[], at: Date): Promise<void> {
    const [first, ...others] = keys.map((key) => this.counterKey(key));
    if (first !== undefined) await this.scripts.run(giveBack, [first, ...others], [at.getTime()]);
  }

  override async rememberNetwork(login: string, network: string, expiresAt: Date): Promise<void> {
    const lifeMs = Math.max(0, expiresAt.getTime() - readMilliseconds(this.clock)) + cleanupMarginMs;
    const args = [fingerprint(network), expiresAt.getTime(), mostNetworks, Math.round(lifeMs)];
    await this.scripts.run(rememberNetwork, [this.networksKey(login)], args);
  }

  override async knowsNetwork(login: string, network: string, now: Date): Promise<boolean> {
    const args = [fingerprint(network), now.getTime()];
    return Number(await this.scripts.run(knowsNetwork, [this.networksKey(login)], args)) === 1;
  }

  private counterKey(key: string): string {
    return this.scripts.key('attempts', fingerprint(key));
  }

  private networksKey(login: string): string {
    return this.scripts.spreadKey('networks', fingerprint(login));
  }
}
