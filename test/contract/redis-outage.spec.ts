/** What the stores do while their Redis is stopped, silent, refuses commands, or has forgotten its scripts. */
import { afterEach, describe, expect } from 'vitest';
import { RedisAttemptStore } from '../../src/redis/redis-attempt-store.js';
import { RedisDpopReplayStore } from '../../src/redis/redis-dpop-replay-store.js';
import { RedisRevocationStore } from '../../src/redis/redis-revocation-store.js';
import { outcomeOf } from '../support/outcome.js';
import { createScripts, onOwnRedis, openIoredis, openNodeRedis, RedisServer, runRedis } from '../support/redis.js';
import { clock, entryOf, inSeconds, now } from '../support/some-revocations.js';

const { it } = onOwnRedis;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const forms = [
  { name: 'ioredis', open: openIoredis },
  { name: '@redis/client', open: openNodeRedis },
];

describe.each(forms)('stores by $name', ({ open }) => {
  const openStores = async () => {
    const server = await RedisServer.start();
    cleanups.push(() => server.remove());
    const { client, close } = await open(server.url);
    cleanups.push(close);
    const { scripts, events } = createScripts(client, { commandTimeoutMs: 300, clock });
    const proofs = new RedisDpopReplayStore(scripts);
    const attempts = new RedisAttemptStore(scripts, clock);
    const revocations = new RedisRevocationStore(scripts, clock);
    const counters = [{ key: 'a', limit: 1_000, windowMs: 1_000 }];
    let proof = 0;
    const calls: Record<string, () => Promise<unknown>> = {
      remember: () => proofs.remember(`proof ${(proof += 1)}`, inSeconds(300), now),
      take: () => attempts.take(counters, now),
      giveBack: () => attempts.giveBack(['a'], now),
      rememberNetwork: () => attempts.rememberNetwork('ada', 'n', inSeconds(60)),
      knowsNetwork: () => attempts.knowsNetwork('ada', 'n', now),
      add: () => revocations.add([entryOf('a')]),
      snapshot: () => revocations.snapshot(),
      changesSince: () => revocations.changesSince('1-1'),
    };
    const outcomes = async () => {
      const found = await Promise.all(Object.values(calls).map((call) => outcomeOf(call())));
      return [...new Set(found)];
    };
    return { server, events, outcomes };
  };

  it('are unavailable while it is stopped, without a long wait, and work when it is back', async () => {
    const { server, events, outcomes } = await openStores();
    expect(await outcomes()).toEqual(['accepted']);
    await server.stop();
    expect(await outcomes()).toEqual(['SERVER_ERROR']);
    const before = performance.now();
    for (let round = 0; round < 20; round += 1) expect(await outcomes()).toEqual(['SERVER_ERROR']);
    expect(performance.now() - before, 'what is known to be down is not waited for').toBeLessThan(3_000);
    expect(events).toMatchObject([{ type: 'outage-began', what: 'an answer from Redis' }]);
    await server.run();
    await expect.poll(outcomes, { timeout: 10_000 }).toEqual(['accepted']);
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it('are unavailable while it keeps silent', async () => {
    const { server, events, outcomes } = await openStores();
    expect(await outcomes()).toEqual(['accepted']);
    server.pause();
    expect(await outcomes()).toEqual(['SERVER_ERROR']);
    expect(events).toMatchObject([{ type: 'outage-began', problem: 'it did not answer within 300 ms' }]);
    server.resume();
    await expect.poll(outcomes, { timeout: 10_000 }).toEqual(['accepted']);
  });

  it('are unavailable while it refuses commands, and say which error it names', async () => {
    const { server, events, outcomes } = await openStores();
    await outcomes();
    await runRedis((client) => client.config('SET', 'maxmemory', '1'), server.url);
    expect(await outcomes()).toContain('SERVER_ERROR');
    expect(events[0]).toMatchObject({ type: 'outage-began', problem: 'it answered OOM' });
    await runRedis((client) => client.config('SET', 'maxmemory', '0'), server.url);
    expect(await outcomes()).toEqual(['accepted']);
  });

  it('work on when it has forgotten its scripts', async () => {
    const { server, events, outcomes } = await openStores();
    expect(await outcomes()).toEqual(['accepted']);
    await runRedis((client) => client.script('FLUSH'), server.url);
    expect(await outcomes()).toEqual(['accepted']);
    expect(events).toEqual([]);
  });
});
