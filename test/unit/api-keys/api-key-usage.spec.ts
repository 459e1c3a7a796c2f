import { describe, expect, it } from 'vitest';
import type { ApiKeyUse } from '../../../src/api-keys/api-key-store.js';
import { ApiKeyUsage } from '../../../src/api-keys/api-key-usage.js';
import { MemoryApiKeyStore } from '../../../src/api-keys/memory-api-key-store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ManualTimer } from '../../support/manual-timer.js';

class RecordingStore extends MemoryApiKeyStore {
  readonly batches: (readonly ApiKeyUse[])[] = [];
  isDown = false;

  override noteUses(uses: readonly ApiKeyUse[]): Promise<void> {
    if (this.isDown) return Promise.reject(new Error('down'));
    this.batches.push(uses);
    return Promise.resolve();
  }
}

function open() {
  const [store, clock, timer] = [new RecordingStore(), new ManualClock(), new ManualTimer()];
  return { store, clock, timer, usage: new ApiKeyUsage({ findStore: () => store, clock, timer }) };
}

describe('the time of the last use', () => {
  it('is stored a minute after the first use, once for each key, with the last of its uses', async () => {
    const { store, clock, timer, usage } = open();
    expect(timer.delayMs).toBeNull();
    for (let at = 0; at < 59; at += 1) {
      usage.note('a');
      clock.advanceSeconds(1);
    }
    usage.note('b');
    const at = clock.now();
    expect(timer.delayMs).toBe(60_000);
    expect(store.batches).toEqual([]);
    timer.ring();
    await usage.flush();
    expect(store.batches).toEqual([
      [
        { id: 'a', at: new Date(at.getTime() - 1_000) },
        { id: 'b', at },
      ],
    ]);
    expect(timer.delayMs).toBeNull();
    usage.note('a');
    expect(timer.delayMs).toBe(60_000);
  });

  it('is stored in batches of 1,000', async () => {
    const { store, usage } = open();
    for (let key = 0; key < 2_500; key += 1) usage.note(`key ${key}`);
    await usage.flush();
    expect(store.batches.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  });

  it('takes a bounded amount of memory', async () => {
    const { store, usage } = open();
    for (let key = 0; key < 100_500; key += 1) usage.note(`key ${key}`);
    await usage.flush();
    expect(store.batches.flat()).toHaveLength(100_000);
  });

  it('is dropped while the store is down, and stored again afterwards', async () => {
    const { store, timer, usage } = open();
    store.isDown = true;
    usage.note('a');
    timer.ring();
    await usage.flush();
    store.isDown = false;
    usage.note('b');
    timer.ring();
    await usage.flush();
    expect(store.batches.flat().map(({ id }) => id)).toEqual(['b']);
  });

  it('is stored when the app stops, and no timer is left', async () => {
    const { store, timer, usage } = open();
    usage.note('a');
    await usage.stop();
    expect(store.batches.flat().map(({ id }) => id)).toEqual(['a']);
    usage.note('b');
    expect(timer.delayMs).toBeNull();
  });
});
