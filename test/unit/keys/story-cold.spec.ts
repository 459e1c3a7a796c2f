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
    expect(pause).toBeLessThanOrEqual(15);
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

  it('makes responses state when it is called next, in 1 to 15 seconds', async () => {
    const story = await KeyStory.begin();
    story.endpoint.fail(trouble);
    const token = await story.token();
    for (let failure = 0; failure < 3; failure += 1) {
      const error = await errorOf(story.verifier.verify(token));
      expect(error?.code).toBe('SERVER_ERROR');
      const { retryAfterSeconds } = error as unknown as { retryAfterSeconds: number };
      expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
      expect(retryAfterSeconds).toBeLessThanOrEqual(15);
    }
  });
});

describe('an outage of half an hour from the start', () => {
  it('causes a call about every 12 seconds, and at most one per second, with or without requests', async () => {
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
      expect(Math.max(...pauses)).toBeLessThanOrEqual(15);
      expect(new Set(pauses.slice(-15)).size).toBeGreaterThan(10);
      expect(story.eventTypes()).toEqual(['outage-began']);
      counts.push(story.endpoint.reached);
    }
    // One call in 9.6 to 14.4 s.
    for (const count of counts) {
      expect(count).toBeGreaterThanOrEqual(half / 15);
      expect(count).toBeLessThan(half / 9 + 10);
    }
  }, 20_000);
});

describe.each([
  ['with steady requests', true],
  ['without a request', false],
])('the end of an outage of ten minutes from the start, %s', (_, isBusy) => {
  it('is noticed within 20 seconds, with the time that a call may take', async () => {
    const story = await KeyStory.begin();
    story.endpoint.fail('503');
    expect(await story.verifyNew()).toBe('SERVER_ERROR');
    let nextCall = 0;
    let worst = 0;
    for (let second = 0; second < 600; second += 1) {
      if (isBusy) expect(await story.verifyNew()).toBe('SERVER_ERROR');
      if (story.timer.delayMs !== null && nextCall <= second) {
        story.timer.ring();
        await expect.poll(() => story.timer.delayMs, { interval: 1 }).not.toBeNull();
        nextCall = second + story.timer.delayMs / 1_000;
      }
      worst = Math.max(worst, nextCall - second);
      story.clock.advanceSeconds(1);
    }

    expect(worst).toBeGreaterThan(5);
    // 5 seconds are the default of http.timeoutMs.
    expect(worst + 5).toBeLessThan(20);
    story.endpoint.recover();
    story.clock.advanceSeconds(15);
    if (!isBusy) story.timer.ring();
    await expect
      .poll(() => (isBusy ? story.verifyNew() : story.keys.state().status))
      .toBe(isBusy ? 'accepted' : 'fresh');
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
