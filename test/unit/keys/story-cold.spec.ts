/** The key server fails before any key is known: no token can be verified, and none is refused for it. */
import { describe, expect, it } from 'vitest';
import { keyTroubles } from '../../support/key-endpoint.js';
import { errorOf } from '../../support/outcome.js';
import { crowdHasCome, KeyStory, outcomesOf } from './key-story.js';

describe.each(keyTroubles)('a key server that fails from the start: %s', (trouble) => {
  it('fails a thousand first requests by one call, and is then called by the timer only', async () => {
    const story = await KeyStory.begin();
    const { endpoint } = story;
    endpoint.fail(trouble);
    endpoint.hold();
    const token = await story.token();
    const first = outcomesOf(1_000, () => story.verify(token));
    await crowdHasCome();
    endpoint.release();
    expect(await first).toEqual(['SERVER_ERROR']);
    expect(endpoint.reached).toBe(1);

    // The first failure may be transient, so the next request retries at once; then all requests wait.
    expect(await story.verify(token)).toBe('SERVER_ERROR');
    expect(await outcomesOf(100, () => story.verify(token))).toEqual(['SERVER_ERROR']);
    expect(endpoint.reached).toBe(2);

    const pause = story.advanceToTimer();
    expect(pause).toBeGreaterThanOrEqual(1);
    expect(pause).toBeLessThanOrEqual(60);
    await expect.poll(() => endpoint.reached).toBe(3);
    expect(await outcomesOf(100, () => story.verify(token))).toEqual(['SERVER_ERROR']);
    expect(endpoint.reached).toBe(3);
    expect(story.eventTypes()).toEqual(['outage-began']);
  });

  it('is used again within one step after its recovery, without a request', async () => {
    const story = await KeyStory.begin();
    const { endpoint, keys } = story;
    endpoint.fail(trouble);
    for (let failure = 0; failure < 2; failure += 1) expect(await story.verifyNew()).toBe('SERVER_ERROR');
    endpoint.recover();
    expect(story.advanceToTimer()).toBeLessThanOrEqual(1.5);
    await expect.poll(() => keys.state().status).toBe('fresh');

    expect(await outcomesOf(10, () => story.verifyNew())).toEqual(['accepted']);
    expect(endpoint.reached).toBe(3);
    expect(story.eventTypes()).toEqual(['outage-began', 'outage-ended']);
  });

  it('makes responses state when it is called next, in a second to a minute', async () => {
    const story = await KeyStory.begin();
    story.endpoint.fail(trouble);
    const token = await story.token();
    for (let failure = 0; failure < 3; failure += 1) {
      const error = await errorOf(story.verifier.verify(token));
      expect(error?.code).toBe('SERVER_ERROR');
      const { retryAfterSeconds } = error as unknown as { retryAfterSeconds: number };
      expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
      expect(retryAfterSeconds).toBeLessThanOrEqual(60);
    }
  });
});

describe('an outage of half an hour from the start', () => {
  it('causes a call about once a minute, and at most one per second, with or without requests', async () => {
    const [quiet, busy] = [await KeyStory.begin(), await KeyStory.begin()];
    const counts: number[] = [];
    const half = 1_800;
    for (const story of [quiet, busy]) {
      const pauses: number[] = [];
      story.endpoint.fail('503');
      const token = await story.token();
      expect(await story.verify(token)).toBe('SERVER_ERROR');
      for (let passed = 0; passed < half; passed += pauses.at(-1) ?? 0) {
        const before = story.endpoint.reached;
        if (story === busy) expect(await outcomesOf(10, () => story.verify(token))).toEqual(['SERVER_ERROR']);
        const between = story.endpoint.reached;
        pauses.push(story.advanceToTimer());
        await expect.poll(() => story.timer.delayMs, { interval: 1 }).not.toBeNull();
        // Requests get the error of the last call, except one that retries at once after the first failure.
        expect([between - before, story.endpoint.reached - between]).toEqual([
          story === busy && passed === 0 ? 1 : 0,
          1,
        ]);
      }
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(60);
      expect(new Set(pauses.slice(-15)).size).toBeGreaterThan(10);
      expect(story.eventTypes()).toEqual(['outage-began']);
      counts.push(story.endpoint.reached);
    }
    // One call in 40 to 60 s.
    for (const count of counts) {
      expect(count).toBeGreaterThanOrEqual(half / 60);
      expect(count).toBeLessThan(half / 40 + 10);
    }
  }, 20_000);
});

describe('the first requests', () => {
  it('cause one fetch, even if there are a thousand', async () => {
    const story = await KeyStory.begin();
    const token = await story.token();
    expect(await outcomesOf(1_000, () => story.verify(token))).toEqual(['accepted']);
    expect(story.endpoint.reached).toBe(1);
  });
});
