import { DpopReplayStore } from '../dpop/dpop-replay-store.js';
import { cleanupMarginMs, fingerprint, RedisScript, type RedisScripts } from './redis-scripts.js';

/** A `SET NX` by the time of the app. ARGV: when the key expires, now, and the life of the key in Redis; all in milliseconds. */
const remember = new RedisScript(`
local known = redis.call('GET', KEYS[1])
if known and tonumber(known) > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`);

/** Used DPoP proofs in Redis, a key each. */
export class RedisDpopReplayStore extends DpopReplayStore {
  constructor(private readonly scripts: RedisScripts) {
    super();
  }

  override async remember(key: string, expiresAt: Date, now: Date): Promise<boolean> {
    const lifeMs = Math.max(0, expiresAt.getTime() - now.getTime()) + cleanupMarginMs;
    const args = [expiresAt.getTime(), now.getTime(), lifeMs];
    return Number(await this.scripts.run(remember, [this.scripts.spreadKey('dpop', fingerprint(key))], args)) === 1;
  }
}
