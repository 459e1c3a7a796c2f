import { describe, expect, it } from 'vitest';
import { readRedisClient } from '../../../src/redis/redis-client.js';
import { resolveRedisStoresOptions } from '../../../src/redis/redis-stores-options.js';

/** A client that records what it is called with. */
function clientWith<Members extends object>(members: Members, method: string) {
  const calls: unknown[][] = [];
  const client = Object.assign(members, {
    [method]: (...args: unknown[]) => {
      calls.push(args);
      return Promise.resolve('reply');
    },
  });
  return { client: client as Members, calls };
}

describe('a client of Redis', () => {
  it('of ioredis is called with the command and its arguments', async () => {
    const { client, calls } = clientWith({ status: 'reconnecting', sendCommand: () => undefined }, 'call');
    const connection = readRedisClient('client', client);
    expect(await connection.send('k', ['EVALSHA', 'x', '1', 'k'])).toBe('reply');
    expect(calls).toEqual([['EVALSHA', 'x', '1', 'k']]);
    expect(connection.isReconnecting()).toBe(true);
    client.status = 'ready';
    expect(connection.isReconnecting()).toBe(false);
  });

  it('of node-redis is called with one list', async () => {
    const { client, calls } = clientWith({ isOpen: true, isReady: false }, 'sendCommand');
    const connection = readRedisClient('client', client);
    await connection.send('k', ['GET', 'k']);
    expect(calls).toEqual([[['GET', 'k']]]);
    expect(connection.isReconnecting()).toBe(true);
    client.isReady = true;
    expect(connection.isReconnecting()).toBe(false);
  });

  it('of a node-redis cluster is called with the key that decides about the node', async () => {
    const { client, calls } = clientWith({ isOpen: true, nodeClient: () => undefined }, 'sendCommand');
    await readRedisClient('client', client).send('k', ['GET', 'k']);
    expect(calls).toEqual([['k', false, ['GET', 'k']]]);
  });

  const strangers: Readonly<Record<string, unknown>> = {
    nothing: undefined,
    'an address': 'redis://127.0.0.1',
    'a client of node-redis 3': { sendCommand: () => undefined, connected: true },
    'a client of createSentinel': { sendCommand: () => undefined, isOpen: true, getSentinelNode: () => undefined },
    'a function': () => undefined,
  };
  it.each(Object.entries(strangers))('is not %s', (_, given) => {
    expect(() => readRedisClient('RedisStoresModule.forRoot({ client })', given)).toThrow(
      'RedisStoresModule.forRoot({ client }): ',
    );
  });
});

describe('the options of RedisStoresModule', () => {
  const client = { call: () => Promise.resolve('reply') };
  const read = (options: object) => resolveRedisStoresOptions('forRoot', { client, ...options });

  it('have defaults', () => {
    expect(read({})).toMatchObject({ keyPrefix: 'gatehouse:', commandTimeoutMs: 2_000 });
  });

  it.each([
    [{ keyPrefix: '' }, 'forRoot({ keyPrefix })'],
    [{ keyPrefix: 'a{b}' }, 'forRoot({ keyPrefix })'],
    [{ keyPrefix: 'x'.repeat(65) }, 'forRoot({ keyPrefix })'],
    [{ keyPrefix: 7 }, 'forRoot({ keyPrefix })'],
    [{ commandTimeoutMs: 0 }, 'forRoot({ commandTimeoutMs })'],
    [{ keyprefix: 'a' }, 'forRoot({ keyprefix }): there is no option of this name. Did you mean keyPrefix'],
  ])('are refused when wrong: %j', (options, message) => {
    expect(() => read(options)).toThrow(message);
  });
});
