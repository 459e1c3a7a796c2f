import { describeDpopReplayStore } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { MemoryDpopReplayStore } from '../../../src/dpop/memory-dpop-replay-store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

describeDpopReplayStore('in memory', () => ({ store: new MemoryDpopReplayStore() }), { describe, it });

const clock = new ManualClock();
const inSeconds = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1_000);

/** A store, and how proofs are remembered in it: for 300 seconds unless something else is stated. */
function open(most: number) {
  const store = new MemoryDpopReplayStore(most);
  return {
    remember: (key: string, jkt: string, seconds = 300) => store.remember(key, inSeconds(seconds), clock.now(), jkt),
  };
}

describe('a store of proofs that is full', () => {
  const fill = async (most: number) => {
    const store = open(most);
    for (let at = 0; at < most; at += 1) {
      expect(await store.remember(`k${at}`, `jkt${at}`, at === 0 ? 300 : 10)).toBe(true);
    }
    return store;
  };

  it('is unavailable, and forgets nothing', async () => {
    const store = await fill(3);
    expect(await outcomeOf(store.remember('another', 'other'))).toBe('SERVER_ERROR');
    for (const at of [0, 1, 2]) expect(await store.remember(`k${at}`, `jkt${at}`)).toBe(false);
  });

  it('has room when entries have expired, also behind one that has not', async () => {
    const store = await fill(3);
    clock.advanceSeconds(10);
    for (const key of ['a', 'b']) expect(await store.remember(key, key)).toBe(true);
    expect(await outcomeOf(store.remember('c', 'c'))).toBe('SERVER_ERROR');
    expect(await store.remember('k0', 'jkt0')).toBe(false);
  });
});

describe('a key that has made many proofs', () => {
  const busy = async (seconds = 300) => {
    const store = open(100);
    for (let at = 0; at < 10; at += 1) expect(await store.remember(`busy${at}`, 'busy', seconds)).toBe(true);
    return store;
  };

  it('gets a tenth of the memory, and is then asked to wait until its proofs have expired', async () => {
    const store = await busy();
    const error = await errorOf(store.remember('another', 'busy', 299.5));
    expect(error).toMatchObject({ code: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: 300 });
    expect(error?.message).toBe('Too many DPoP proofs of one key');
    expect(error?.explanation).toContain('10 DPoP proofs of its key');
  });

  it('loses none of them: each is still refused as used', async () => {
    const store = await busy();
    await errorOf(store.remember('another', 'busy'));
    for (let at = 0; at < 10; at += 1) expect(await store.remember(`busy${at}`, 'busy')).toBe(false);
  });

  it('leaves the rest of the memory to other keys, and is still the one at fault when that is full', async () => {
    const store = await busy();
    for (let at = 0; at < 90; at += 1) expect(await store.remember(`k${at}`, `jkt${at % 9}`)).toBe(true);
    expect(await outcomeOf(store.remember('another', 'other'))).toBe('SERVER_ERROR');
    expect(await outcomeOf(store.remember('another', 'busy'))).toBe('TOO_MANY_ATTEMPTS');
  });

  it('may make as many again once they have expired, also behind the proof of another key', async () => {
    const store = open(100);
    expect(await store.remember('first', 'other', 300)).toBe(true);
    for (const round of ['a', 'b', 'c']) {
      for (let at = 0; at < 10; at += 1) expect(await store.remember(`${round}${at}`, 'busy', 10)).toBe(true);
      expect(await outcomeOf(store.remember('another', 'busy', 10))).toBe('TOO_MANY_ATTEMPTS');
      clock.advanceSeconds(10);
    }
  });

  it('has its proof counted once when that is remembered again after its end', async () => {
    const store = open(100);
    for (let time = 0; time < 30; time += 1) {
      expect(await store.remember('same', 'busy', 1)).toBe(true);
      clock.advanceSeconds(1);
    }
    for (let at = 0; at < 9; at += 1) expect(await store.remember(`k${at}`, 'busy')).toBe(true);
  });

  it('is forgotten with the last of its proofs, so that many keys take no more memory than many proofs', async () => {
    const store = new MemoryDpopReplayStore(100);
    const { keys } = store as unknown as { readonly keys: ReadonlyMap<string, unknown> };
    for (let at = 0; at < 10_000; at += 1) {
      expect(await store.remember(`k${at}`, inSeconds(1), clock.now(), `jkt${at}`)).toBe(true);
      if (at % 50 === 49) clock.advanceSeconds(1);
      expect(keys.size).toBeLessThanOrEqual(100);
    }
    clock.advanceSeconds(1);
    const last = Array.from({ length: 11 }, (_, at) => store.remember(`l${at}`, inSeconds(1), clock.now(), 'busy'));
    expect((await Promise.allSettled(last)).filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect([...keys.keys()]).toEqual(['busy']);
  });
});
