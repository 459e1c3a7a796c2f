import { path, readNumber, readOptions } from '../configuration/read-options.js';
import { DpopReplayStore } from '../dpop/dpop-replay-store.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import type { AsyncModuleOptions } from '../provide-async-options.js';
import { RevocationStore } from '../revocation/revocation-store.js';
import { readRedisClient, type RedisClient, type RedisConnection } from './redis-client.js';

/** What `RedisStoresModule` takes. Read, checked and frozen once, when the app starts. */
export interface RedisStoresOptions {
  /**
   * The app's own client: `new Redis(…)` or `new Redis.Cluster(…)` of ioredis, `createClient(…)`, `createClientPool(…)` or
   * `createCluster(…)` of redis 4 or later. The app connects it and closes it, and listens to its `error` events.
   */
  readonly client: RedisClient;
  /**
   * What the name of each key begins with, so that apps can share a Redis: 1 to 64 letters, digits, and `_`, `-`, `.`, `:`, `/`.
   *
   * @defaultValue 'gatehouse:'
   */
  readonly keyPrefix?: string;
  /**
   * The longest that anything waits for Redis, in milliseconds; 50 to 60,000. After that, 503 is answered.
   *
   * @defaultValue 2000
   */
  readonly commandTimeoutMs?: number;
}

/** The tokens of the stores that the module provides. */
export type RedisStoreToken = typeof RevocationStore | typeof DpopReplayStore | typeof AttemptStore;

/** What is known before any option is read. */
export interface RedisStoresExtras {
  /** Stores that another global module of the app provides: `[RevocationStore]`. @defaultValue [] */
  readonly except?: readonly RedisStoreToken[];
}

/** Makes the options, where a class is more handy than a function. */
export interface RedisStoresOptionsFactory {
  createRedisStoresOptions(): RedisStoresOptions | Promise<RedisStoresOptions>;
}

/** The options of `RedisStoresModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface RedisStoresAsyncOptions
  extends RedisStoresExtras,
    AsyncModuleOptions<RedisStoresOptions, RedisStoresOptionsFactory> {}

/** The options with everything filled in and checked. */
export interface ResolvedRedisStoresOptions {
  readonly connection: RedisConnection;
  readonly keyPrefix: string;
  readonly commandTimeoutMs: number;
}

const usualPrefix = 'gatehouse:';
const usualTimeoutMs = 2_000;

/** @throws {ConfigurationError} for the first option that is wrong */
export function resolveRedisStoresOptions(where: string, given: RedisStoresOptions): ResolvedRedisStoresOptions {
  const options = readOptions(where, given, ['client', 'keyPrefix', 'commandTimeoutMs']);
  const limits = { least: 50, most: 60_000 };
  return Object.freeze({
    connection: readRedisClient(path(where, 'client'), options['client']),
    keyPrefix: readPrefix(path(where, 'keyPrefix'), options['keyPrefix']),
    commandTimeoutMs: readNumber(where, options, 'commandTimeoutMs', limits) ?? usualTimeoutMs,
  });
}

/** Braces would decide on which node of a cluster a key is. */
function readPrefix(where: string, given: unknown = usualPrefix): string {
  if (typeof given === 'string' && /^[\w.:/-]{1,64}$/.test(given)) return given;
  throw new ConfigurationError(
    where,
    '1 to 64 letters, digits, and _ - . : / are expected',
    `Left out, it is '${usualPrefix}'`,
  );
}

/** All stores that the module can provide. */
const redisStoreTokens: readonly RedisStoreToken[] = [RevocationStore, DpopReplayStore, AttemptStore];

/** Reads `except`. @returns the stores that are left @throws {ConfigurationError} for what is no store of this module */
export function readProvidedStores(where: string, except: unknown): readonly RedisStoreToken[] {
  const tokens: readonly unknown[] = except === undefined ? [] : Array.isArray(except) ? except : [except];
  if (tokens.every((token) => redisStoreTokens.some((known) => known === token))) {
    return redisStoreTokens.filter((token) => !tokens.includes(token));
  }
  throw new ConfigurationError(
    path(where, 'except'),
    'a list of stores is expected',
    `Known stores: ${redisStoreTokens.map(({ name }) => name).join(', ')}`,
  );
}
