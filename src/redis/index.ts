export { RedisStoresModule } from './redis-stores.module.js';
export type {
  RedisStoresAsyncOptions,
  RedisStoresExtras,
  RedisStoresOptions,
  RedisStoresOptionsFactory,
  RedisStoreToken,
} from './redis-stores-options.js';
export type { IoredisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from './redis-client.js';

// The stores, for `except` and for stores of the app's own
export { DpopReplayStore } from '../dpop/dpop-replay-store.js';
export { type AttemptCounter, AttemptStore } from '../issuing/attempt-store.js';
export {
  type RevocationEntry,
  type RevocationKind,
  type RevocationPage,
  RevocationStore,
} from '../revocation/revocation-store.js';
