import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import KeyvRedis, { Keyv } from '@keyv/redis';
import { afterEach, describe, expect, it } from 'vitest';
import { closedAddress } from '../../support/answering-server.js';
import { openService, TableSource, userOf } from '../../support/opened-profiles.js';

const address = 'redis://127.0.0.1:6379';
const answers = await new Promise<boolean>((resolve) => {
  const socket = connect(6379, '127.0.0.1')
    .once('connect', () => {
      resolve(true);
      socket.end();
    })
    .once('error', () => {
      resolve(false);
    });
});

const opened: Keyv[] = [];

/** A Keyv of Redis as an app creates it, with its own namespace. */
function openKeyv(url: string, namespace: string): Keyv {
  const keyv = new Keyv(new KeyvRedis(url), { namespace, useKeyPrefix: false });
  // An app listens to errors as well, because an unhandled one ends its process.
  keyv.on('error', () => undefined);
  opened.push(keyv);
  return keyv;
}

afterEach(async () => {
  for (const keyv of opened.splice(0)) await keyv.disconnect();
});

describe.skipIf(!answers)(`a store in Redis (skipped where none answers on ${address})`, () => {
  const alice = { displayName: 'Alice', signedUpAt: new Date('2025-06-07T08:09:10.111Z') };

  it('is shared by instances, with dates, until a user is forgotten', async () => {
    const namespace = randomUUID();
    const source = new TableSource({ alice, bob: {} });
    const open = () => openService({ joe: source }, { store: openKeyv(address, namespace) }).service;
    const [one, other, third] = [open(), open(), open()];
    await one.get(userOf('alice'));
    await expect.poll(async () => (await other.lookUp(userOf('alice'))).freshness).toBe('cached');
    expect(await other.get(userOf('alice'))).toMatchObject(alice);
    other.forget('alice');
    source.users['alice'] = { displayName: 'Alicia' };
    await expect.poll(async () => (await third.get(userOf('alice'))).displayName).toBe('Alicia');
    expect([...(await third.getMany(['alice', 'bob', 'unknown'])).keys()]).toEqual(['alice', 'bob']);
  });

  it('removes expired records itself', async () => {
    const namespace = randomUUID();
    const source = new TableSource({ alice });
    const options = { store: openKeyv(address, namespace), freshForSeconds: 0.2, staleForSeconds: 0 };
    await openService({ joe: source }, options).service.get(userOf('alice'));
    const look = async () => (await openService({ joe: source }, options).service.lookUp(userOf('alice'))).freshness;
    await expect.poll(look).toBe('cached');

    // The clock of the app does not move, so that Redis has removed the record.
    await expect.poll(look, { timeout: 2_000 }).toBe('fresh');
  });
});

describe('Redis that is down', () => {
  it('makes look-ups slower, and fails none', async () => {
    const source = new TableSource();
    const store = openKeyv((await closedAddress()).replace('http', 'redis'), 'x');
    const { service, events } = openService({ joe: source }, { store });
    const before = performance.now();

    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'fresh' });
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(await service.lookUp(userOf('alice'))).toMatchObject({ freshness: 'cached' });
    await expect.poll(() => events.length, { timeout: 2_000 }).toBe(1);
    expect(events).toMatchObject([{ type: 'outage-began', what: 'profiles out of the store' }]);
  });
});
