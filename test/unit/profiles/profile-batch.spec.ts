import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProfileBatch } from '../../../src/profiles/issuer-profiles.js';

describe('ProfileBatch', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("answers look-ups that were made while Node's timers were fake, and later ones", async () => {
    const batch = new ProfileBatch({ ask: async () => new Map(), maxIds: 10, maxCalls: 1 });
    vi.useFakeTimers({ toFake: ['setImmediate'] });
    const meanwhile = batch.find('alice');
    vi.useRealTimers();

    expect(await Promise.all([meanwhile, batch.find('bob')])).toEqual([null, null]);
  });
});
