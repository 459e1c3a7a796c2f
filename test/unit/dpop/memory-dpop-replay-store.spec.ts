import { describeDpopReplayStore } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { MemoryDpopReplayStore } from '../../../src/dpop/memory-dpop-replay-store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/outcome.js';

describeDpopReplayStore('in memory', () => ({ store: new MemoryDpopReplayStore() }), { describe, it });

describe('a store of proofs that is full', () => {
  const clock = new ManualClock();
  const inSeconds = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1_000);
  const fill = async (most: number) => {
    const store = new MemoryDpopReplayStore(most);
    for (let at = 0; at < most; at += 1) {
      expect(await store.remember(`k${at}`, inSeconds(at === 0 ? 300 : 10), clock.now())).toBe(true);
    }
    return store;
  };

  it('is unavailable, and forgets nothing', async () => {
    const store = await fill(3);
    expect(await outcomeOf(store.remember('another', inSeconds(300), clock.now()))).toBe('SERVER_ERROR');
    for (const key of ['k0', 'k1', 'k2']) expect(await store.remember(key, inSeconds(300), clock.now())).toBe(false);
  });

  it('has room when entries have expired, also behind one that has not', async () => {
    const store = await fill(3);
    clock.advanceSeconds(10);
    for (const key of ['a', 'b']) expect(await store.remember(key, inSeconds(300), clock.now())).toBe(true);
    expect(await outcomeOf(store.remember('c', inSeconds(300), clock.now()))).toBe('SERVER_ERROR');
    expect(await store.remember('k0', inSeconds(300), clock.now())).toBe(false);
  });
});
