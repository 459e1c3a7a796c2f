import { ConfigurationError } from '../errors/auth-error.js';

/** The part of an ioredis client that is used: `new Redis(…)`, or `new Redis.Cluster(…)`. */
export interface IoredisClient {
  call(command: string, ...args: string[]): Promise<unknown>;
  /** `ready` while commands are sent at once. */
  readonly status?: string;
}

/** The part of a node-redis client that is used: `createClient(…)` or `createClientPool(…)` of `redis` or `@redis/client`. */
export interface NodeRedisClient {
  sendCommand(command: string[]): Promise<unknown>;
  readonly isOpen: boolean;
  readonly isReady?: boolean;
}

/** The part of a node-redis cluster that is used: `createCluster(…)`. */
export interface NodeRedisCluster {
  sendCommand(firstKey: string, isReadonly: boolean, command: string[]): Promise<unknown>;
  nodeClient(node: never): unknown;
}

/** A Redis client of the app's own. The app connects and closes it, and listens to its errors. */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

/** A client by one form, whatever package it is from. */
export interface RedisConnection {
  /** Sends one command. Rejects when Redis refuses it, or the client gives up. */
  readonly send: (firstKey: string, command: readonly string[]) => Promise<unknown>;
  /** Whether the client has lost its connection and makes a new one by itself. Until then it would keep commands waiting. */
  readonly isReconnecting: () => boolean;
}

/** Recognizes a client by its methods. @throws {ConfigurationError} for what is none that is known */
export function readRedisClient(where: string, given: unknown): RedisConnection {
  if (hasMethod(given, 'call')) return ofIoredis(given as IoredisClient);
  if (hasMethod(given, 'sendCommand') && hasMethod(given, 'nodeClient')) return ofCluster(given as NodeRedisCluster);
  // A client of createSentinel takes its arguments in another order, and one of node-redis 3 takes callbacks.
  if (hasMethod(given, 'sendCommand') && isNodeRedis(given) && !hasMethod(given, 'getSentinelNode')) {
    return ofNodeRedis(given);
  }
  throw new ConfigurationError(
    where,
    given === undefined ? 'it is missing' : 'a client of ioredis, or of redis 4 or later, is expected',
    'Write client: new Redis(process.env.REDIS_URL) of ioredis, or createClient({ url: process.env.REDIS_URL }) of redis, connected',
  );
}

function ofIoredis(client: IoredisClient): RedisConnection {
  const reconnecting = ['connecting', 'connect', 'reconnecting', 'disconnecting', 'close'];
  return {
    send: (_, [name = '', ...args]) => client.call(name, ...args),
    isReconnecting: () => client.status !== undefined && reconnecting.includes(client.status),
  };
}

function ofNodeRedis(client: NodeRedisClient): RedisConnection {
  return {
    send: (_, command) => client.sendCommand([...command]),
    isReconnecting: () => client.isOpen && client.isReady === false,
  };
}

function ofCluster(client: NodeRedisCluster): RedisConnection {
  return {
    send: (firstKey, command) => client.sendCommand(firstKey, false, [...command]),
    isReconnecting: () => false,
  };
}

function isNodeRedis(given: object): given is NodeRedisClient {
  return typeof (given as Partial<NodeRedisClient>).isOpen === 'boolean';
}

function hasMethod(given: unknown, name: string): given is object {
  if (typeof given !== 'object' || given === null) return false;
  return typeof (given as Readonly<Record<string, unknown>>)[name] === 'function';
}
