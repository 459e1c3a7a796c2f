/** Keys are known when the key server gets into trouble: anonymousCaller who has a good token notices, for a day. */
import { describe, expect, it } from 'vitest';
import { keyTroubles } from '../../support/key-endpoint.js';
import { errorOf } from '../../support/outcome.js';
import { hour, KeyStory, outcomesOf } from './key-story.js';

describe.each(keyTroubles)('a key server that gets into trouble later: %s', (trouble) => {
  it.each([
    ['are due for a refresh', 481],
    ['have grown old', 601],
    ['are of yesterday, on a machine that slept', 23 * hour],
  ])('keeps anonymousCaller waiting whose keys %s', async (_, seconds) => {
    const story = await KeyStory.beginWarm();
    const { endpoint } = story;
    endpoint.fail(trouble);
    endpoint.hold();
    story.clock.advanceSeconds(seconds);
    expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['accepted']);
    // Nothing had come back by then, good or bad.
    expect(story.events).toEqual([]);

    await expect.poll(() => endpoint.reached).toBe(2);
    endpoint.release();
    await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);
    expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['accepted']);
    expect(story.keys.state()).toMatchObject({ status: seconds < 600 ? 'fresh' : 'stale', ageSeconds: seconds });
  });

  it('has its keys serve for 23 hours and not for 25, is reported once, and is back without a request', async () => {
    const story = await KeyStory.beginWarm();
    const { endpoint, keys } = story;
    endpoint.fail(trouble);
    for (const at of [1, 23]) {
      story.clock.advanceSeconds(at * hour);
      expect(await outcomesOf(10, () => story.judgeNew())).toEqual(['accepted']);
      await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);
      // Bad answers are no answers: the keys are those from before.
      expect(keys.state().status).toBe('stale');
    }
    story.clock.advanceSeconds(hour);
    const error = await errorOf(story.verifier.verify(await story.token()));
    expect(error?.code).toBe('SERVER_ERROR');
    expect(keys.state().status).toBe('missing');
    expect(endpoint.reached).toBeLessThanOrEqual(5);

    endpoint.recover();
    await expect.poll(() => story.timer.delayMs).not.toBeNull();
    expect(story.advanceToTimer()).toBeLessThanOrEqual(60);
    await expect.poll(() => keys.state().status).toBe('fresh');
    expect(await story.judgeNew()).toBe('accepted');
    expect(story.eventTypes()).toEqual(['outage-began', 'outage-ended']);
  });

  it('is told from an unknown key: that is a 503 during it, and the known ones pass beside it', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.fail(trouble);
    const judged = await Promise.all([story.judge(story.madeUp()), story.judgeNew(), story.judge(story.madeUp())]);
    expect(judged).toEqual(['SERVER_ERROR', 'accepted', 'SERVER_ERROR']);
    expect(story.endpoint.reached).toBe(2);
  });
});

describe('keys that may not serve past their life (staleKeysForSeconds: 0)', () => {
  it.each(['503', 'hang'] as const)('serve to its end in an outage, and no longer: %s', async (trouble) => {
    const story = await KeyStory.beginWarm({ staleKeysForSeconds: 0 });
    story.endpoint.fail(trouble);
    story.clock.advanceSeconds(599);
    expect(await story.judgeNew()).toBe('accepted');
    await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);

    story.clock.advanceSeconds(1);
    expect(await story.judgeNew()).toBe('SERVER_ERROR');
    expect(story.keys.state().status).toBe('missing');
  });

  it('are waited for when they are over, so that a key withdrawn during a sleep is not used once more', async () => {
    const story = await KeyStory.beginWarm({ staleKeysForSeconds: 0 });
    const old = await story.token();
    await story.rotate({ keepOld: false });
    story.clock.advanceSeconds(8 * hour);

    expect(await story.judge(old)).toBe('INVALID_TOKEN key');
    expect(await story.judgeNew()).toBe('accepted');
  });
});

describe('an outage that comes and goes', () => {
  it('is reported at each beginning and each end, and at no other time', async () => {
    const story = await KeyStory.beginWarm();
    for (let round = 1; round <= 3; round += 1) {
      story.endpoint.fail('503');
      story.clock.advanceSeconds(481);
      for (let failure = 0; failure < 4; failure += 1) {
        expect(await outcomesOf(10, () => story.judgeNew())).toEqual(['accepted']);
        await expect.poll(() => story.timer.delayMs).not.toBeNull();
        story.advanceToTimer();
      }
      await expect.poll(() => story.timer.delayMs).not.toBeNull();
      expect(story.events).toHaveLength(2 * round - 1);
      story.endpoint.recover();
      story.advanceToTimer();
      await expect.poll(() => story.events.length).toBe(2 * round);
    }
    expect(new Set(story.eventTypes())).toEqual(new Set(['outage-began', 'outage-ended']));
  });
});
