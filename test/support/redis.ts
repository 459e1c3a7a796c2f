/**
 * Finds the Redis of the tests: `TEST_REDIS_URL`, else the one on 127.0.0.1:6379. Each test works under a key prefix of its own and
 * deletes what is there. Tests that stop a Redis start their own.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, createClientPool, createCluster } from '@redis/client';
import { Cluster, Redis } from 'ioredis';
import { describe, it as test } from 'vitest';
import type { RedisClient } from '../../src/redis/redis-client.js';
import { readRedisClient } from '../../src/redis/redis-client.js';
import { RedisScripts } from '../../src/redis/redis-scripts.js';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';
import type { TestRunner } from '../../src/testing/test-globals.js';
import { freePort } from './free-port.js';
import { ManualClock } from './manual-clock.js';

export const redisUrl = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** A client, and what closes it. */
export interface OpenedClient {
  readonly client: RedisClient;
  readonly close: () => unknown;
}

/** An app listens to the errors of its clients, because an unhandled one ends its process. */
const ignore = (): void => undefined;

export const openIoredis = (url: string): Promise<OpenedClient> => {
  const client = new Redis(url, { retryStrategy: () => 50 });
  client.on('error', ignore);
  return Promise.resolve({
    client,
    close: () => {
      client.disconnect();
    },
  });
};

export const openNodeRedis = async (url: string): Promise<OpenedClient> => {
  const client = createClient({ url, socket: { reconnectStrategy: () => 50 } });
  client.on('error', ignore);
  await client.connect();
  return {
    client,
    close: () => {
      client.destroy();
    },
  };
};

const openNodeRedisPool = async (url: string): Promise<OpenedClient> => {
  const client = createClientPool({ url });
  client.on('error', ignore);
  await client.connect();
  return { client, close: () => client.close() };
};

const openIoredisCluster = (url: string): Promise<OpenedClient> => {
  const client = new Cluster([url]);
  client.on('error', ignore);
  return Promise.resolve({
    client,
    close: () => {
      client.disconnect();
    },
  });
};

const openNodeRedisCluster = async (url: string): Promise<OpenedClient> => {
  const client = createCluster({ rootNodes: [{ url }] });
  client.on('error', ignore);
  await client.connect();
  return {
    client,
    close: () => {
      client.destroy();
    },
  };
};

/** Every form of client that is known; those of a cluster need a server that is one. */
export const clientForms = [
  { name: 'ioredis', open: openIoredis, isCluster: false },
  { name: '@redis/client', open: openNodeRedis, isCluster: false },
  { name: 'a pool of @redis/client', open: openNodeRedisPool, isCluster: false },
  { name: 'a cluster of ioredis', open: openIoredisCluster, isCluster: true },
  { name: 'a cluster of @redis/client', open: openNodeRedisCluster, isCluster: true },
] as const;

/** Why tests against Redis are skipped; `undefined` where one answers. */
const redisMissing: string | undefined = await findProblem();
/** Why tests that start a Redis of their own are skipped. */
export const serverMissing: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'there is no program redis-server';

async function findProblem(): Promise<string | undefined> {
  const client = new Redis(redisUrl, { lazyConnect: true, retryStrategy: null, connectTimeout: 3_000 });
  client.on('error', ignore);
  try {
    await client.connect();
    await client.ping();
    return undefined;
  } catch {
    return `no Redis answers at ${redisUrl}; TEST_REDIS_URL can name another one`;
  } finally {
    client.disconnect();
  }
}

/** Skips each test by its name, with the reason. */
const skippedFor = (problem: string | undefined): TestRunner => ({
  describe,
  it: (name, run) =>
    test(name, async (context) => {
      if (problem !== undefined) context.skip(problem);
      await run();
    }, 30_000),
});

export const onRedis = skippedFor(redisMissing);
export const onOwnRedis = skippedFor(serverMissing);

/** A key prefix that no other test has. */
export function newPrefix(): string {
  return `gatehouse-test-${randomBytes(6).toString('hex')}:`;
}

/** The names of the keys that begin so, and the lives that Redis gives them, in milliseconds. */
export function keysOf(prefix: string): Promise<Map<string, number>> {
  return runRedis(async (client) => {
    const names = await client.keys(`${prefix}*`);
    return new Map(await Promise.all(names.map(async (name) => [name, await client.pttl(name)] as const)));
  });
}

/** Runs commands that the code under test has no part in. */
export async function runRedis<Result>(use: (client: Redis) => Promise<Result>, url = redisUrl): Promise<Result> {
  const client = new Redis(url, { retryStrategy: () => 50 });
  client.on('error', ignore);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

/** Deletes all keys that begin so. */
export async function dropPrefix(prefix: string, url = redisUrl): Promise<void> {
  await runRedis(async (client) => {
    // One at a time: the keys of a cluster are in different slots.
    for (const name of await client.keys(`${prefix}*`)) await client.unlink(name);
  }, url);
}

/** Scripts over one client, as the module makes them. */
export function createScripts(
  client: RedisClient,
  { keyPrefix = newPrefix(), commandTimeoutMs = 2_000, clock = new ManualClock() } = {},
): { scripts: RedisScripts; events: AuthEvent[]; keyPrefix: string } {
  const events: AuthEvent[] = [];
  const connection = readRedisClient('client', client);
  const report = (event: AuthEvent): void => {
    events.push(event);
  };
  return {
    scripts: new RedisScripts({ connection, keyPrefix, commandTimeoutMs, clock, report }),
    events,
    keyPrefix,
  };
}

/** A Redis of the test's own, on a free port, without files. */
export class RedisServer {
  private process: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly isCluster: boolean,
  ) {}

  static async start({ isCluster = false } = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'gatehouse-redis-')), isCluster);
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, again on the same port and without data. */
  async run(): Promise<void> {
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory, '--save', ''];
    const cluster = this.isCluster
      ? ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort()), '--cluster-announce-ip', '127.0.0.1']
      : [];
    this.process = spawn('redis-server', [...settings, '--appendonly', 'no', ...cluster], { stdio: 'ignore' });
    await runRedis(async (client) => {
      await client.ping();
      if (!this.isCluster) return;
      await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      while (!String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    }, this.url);
  }

  /** Stops it, and breaks all connections. */
  async stop(): Promise<void> {
    const { process } = this;
    this.process = null;
    if (process === null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  /** Lets it keep its connections and answer nothing. */
  pause(): void {
    this.process?.kill('SIGSTOP');
  }

  resume(): void {
    this.process?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
