/** The contracts of the stores in Redis, over each form of client, and what they do beyond them. */
import { describeAttemptStore, describeDpopReplayStore, describeRevocationStore } from 'nest-gatehouse/testing';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { RedisAttemptStore } from '../../src/redis/redis-attempt-store.js';
import { RedisDpopReplayStore } from '../../src/redis/redis-dpop-replay-store.js';
import { RedisRevocationStore } from '../../src/redis/redis-revocation-store.js';
import type { RedisScripts } from '../../src/redis/redis-scripts.js';
import { SystemClock } from '../../src/clock/clock.js';
import {
  clientForms,
  createScripts,
  dropPrefix,
  keysOf,
  newPrefix,
  onOwnRedis,
  onRedis,
  openIoredis,
  RedisServer,
  redisUrl,
  runRedis,
  serverMissing,
} from '../support/redis.js';
import { clock, entryOf, expiresAtSeconds, inSeconds, now, readAll } from '../support/some-revocations.js';

const cluster: { server: RedisServer | null } = { server: null };
beforeAll(async () => {
  if (serverMissing === undefined) cluster.server = await RedisServer.start({ isCluster: true });
}, 30_000);
afterAll(() => cluster.server?.remove());

for (const { name, open, isCluster } of clientForms) {
  const runner = isCluster ? onOwnRedis : onRedis;
  const openStore = async <Store>(create: (scripts: RedisScripts) => Store) => {
    const url = isCluster ? (cluster.server?.url ?? '') : redisUrl;
    const { client, close } = await open(url);
    const { scripts, keyPrefix } = createScripts(client);
    return {
      store: create(scripts),
      close: async () => {
        await close();
        await dropPrefix(keyPrefix, url);
      },
    };
  };
  const of = `in Redis, by ${name}`;
  const system = new SystemClock();
  describeRevocationStore(of, () => openStore((scripts) => new RedisRevocationStore(scripts, system)), runner);
  describeAttemptStore(of, () => openStore((scripts) => new RedisAttemptStore(scripts, system)), runner);
  describeDpopReplayStore(of, () => openStore((scripts) => new RedisDpopReplayStore(scripts)), runner);
}

/** Opens stores under a prefix of their own, for one test. */
async function withScripts(use: (scripts: RedisScripts, prefix: string) => Promise<void>): Promise<void> {
  const { client, close } = await openIoredis(redisUrl);
  const keyPrefix = newPrefix();
  try {
    await use(createScripts(client, { keyPrefix, clock }).scripts, keyPrefix);
  } finally {
    await close();
    await dropPrefix(keyPrefix);
  }
}

const { it } = onRedis;

describe('revocations in Redis', () => {
  const streamOf = (prefix: string) => `${prefix}{revocations}:changes`;

  it('are read from the beginning by a process that has missed more changes than are kept', () =>
    withScripts(async (scripts) => {
      const store = new RedisRevocationStore(scripts, clock);
      await store.add([entryOf('first')]);
      const { cursor } = await readAll(store);
      const many = Array.from({ length: 12_000 }, (_, at) => entryOf(`many-${at}`));
      await store.add(many);
      expect(await store.changesSince(cursor)).toBeNull();
      expect(new Set((await readAll(store)).entries.map(({ value }) => value)).size).toBe(12_001);
    }));

  it('are read from the beginning when Redis has lost its data, and others were added since', () =>
    withScripts(async (scripts, prefix) => {
      const store = new RedisRevocationStore(scripts, clock);
      await store.add([entryOf('lost')]);
      const { cursor } = await readAll(store);
      await dropPrefix(prefix);
      for (const value of ['a', 'b', 'c']) await store.add([entryOf(value)]);
      expect(await store.changesSince(cursor)).toBeNull();
      expect((await readAll(store)).entries.map(({ value }) => value).sort()).toEqual(['a', 'b', 'c']);
    }));

  it('are all read while others are added and purged between two pages', () =>
    withScripts(async (scripts) => {
      const store = new RedisRevocationStore(scripts, clock);
      const many = Array.from({ length: 2_500 }, (_, at) => entryOf(`many-${at}`));
      const expired = Array.from({ length: 400 }, (_, at) =>
        entryOf(`expired-${at}`, { expiresAtSeconds: expiresAtSeconds - 1_300 }),
      );
      await store.add([...many, ...expired]);
      const first = await store.snapshot();
      expect(first.hasMore).toBe(true);
      const between = [entryOf('late', { expiresAtSeconds: expiresAtSeconds + 10 }), entryOf('a')];
      await store.add([...between, entryOf('many-7', { expiresAtSeconds: expiresAtSeconds + 20 })]);
      const rest = await readAll(store, first.cursor);
      const changes = await readAll(store, rest.cursor);
      const read = new Set([...first.entries, ...rest.entries, ...changes.entries].map(({ value }) => value));
      expect([...many, ...between].filter(({ value }) => !read.has(value))).toEqual([]);
    }));

  it('are not given once they have expired, and are purged by those that follow', () =>
    withScripts(async (scripts, prefix) => {
      const store = new RedisRevocationStore(scripts, clock);
      const end = now.getTime() / 1_000;
      await store.add([entryOf('past', { expiresAtSeconds: end }), entryOf('next', { expiresAtSeconds: end + 1 })]);
      expect((await readAll(store)).entries.map(({ value }) => value)).toEqual(['next']);
      await store.add([entryOf('old', { expiresAtSeconds: end - 301 })]);
      const count = () => runRedis((client) => client.zcard(`${prefix}{revocations}:entries`));
      expect(await count()).toBe(2);
      expect([...(await keysOf(prefix)).values()].every((life) => life > 3_000_000 && life < 4_000_000)).toBe(true);
    }));

  it('are written once when nothing has changed, and again with a later time', () =>
    withScripts(async (scripts, prefix) => {
      const store = new RedisRevocationStore(scripts, clock);
      const length = () => runRedis((client) => client.xlen(streamOf(prefix)));
      await store.add([entryOf('a'), entryOf('a')]);
      await store.add([entryOf('a', { expiresAtSeconds: expiresAtSeconds - 10 })]);
      expect(await length()).toBe(1);
      await store.add([entryOf('a', { expiresAtSeconds: expiresAtSeconds + 10 })]);
      expect(await length()).toBe(2);
    }));

  it('keep any text', () =>
    withScripts(async (scripts) => {
      const store = new RedisRevocationStore(scripts, clock);
      const values = ['\0', 'a\0b', '\\u0000', '\ud800', '\udc00x', '\ufffd', '€'.repeat(20_000)];
      const entries = [...values.map((value) => entryOf(value)), ...values.map((issuer) => entryOf('x', { issuer }))];
      await store.add(entries);
      const textOf = (read: readonly object[]) => read.map((entry) => JSON.stringify(entry)).sort();
      expect(textOf((await readAll(store)).entries)).toEqual(textOf(entries));
    }));

  it('are no answer when something else was written in their place', () =>
    withScripts(async (scripts, prefix) => {
      const store = new RedisRevocationStore(scripts, clock);
      await store.add([entryOf('a')]);
      await runRedis((client) => client.zadd(`${prefix}{revocations}:entries`, expiresAtSeconds + 1, 'rubbish'));
      await expect(store.snapshot()).rejects.toMatchObject({ code: 'SERVER_ERROR' });
    }));
});

describe('keys in Redis', () => {
  it('end by themselves, after what they hold has no meaning any more', () =>
    withScripts(async (scripts, prefix) => {
      await new RedisDpopReplayStore(scripts).remember('a proof', inSeconds(300), now);
      const attempts = new RedisAttemptStore(scripts, clock);
      await attempts.take([{ key: 'short', limit: 3, windowMs: 60_000 }], now);
      await attempts.take([{ key: 'long', limit: 3, windowMs: 3_600_000 }], now);
      await attempts.rememberNetwork('ada', 'network', inSeconds(2_592_000));
      const lives = [...(await keysOf(prefix)).values()].map((life) => Math.round(life / 60_000)).sort((a, b) => a - b);
      expect(lives).toEqual([61, 65, 120, 43_260]);
    }));

  it('of a counter are gone when everything was given back', () =>
    withScripts(async (scripts, prefix) => {
      const attempts = new RedisAttemptStore(scripts, clock);
      await attempts.take([{ key: 'a', limit: 3, windowMs: 60_000 }], now);
      await attempts.giveBack(['a'], now);
      expect(await keysOf(prefix)).toEqual(new Map());
    }));
});
