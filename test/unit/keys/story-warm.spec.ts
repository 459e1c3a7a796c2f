/** The key server fails after keys were fetched: for a day, no user with a valid token is affected. */
import { describe, expect, it } from 'vitest';
import { keyTroubles } from '../../support/key-endpoint.js';
import { errorOf } from '../../support/outcome.js';
import { hour, KeyStory, outcomesOf } from './key-story.js';

describe.each(keyTroubles)('a key server that fails later: %s', (trouble) => {
  it.each([
    ['are due for a refresh', 481],
    ['are stale', 601],
    ['are a day old, on a machine that was suspended', 23 * hour],
  ])('does not delay users whose keys %s', async (_, seconds) => {
    const story = await KeyStory.beginWarm();
    const { endpoint } = story;
    endpoint.fail(trouble);
    endpoint.hold();
    story.clock.advanceSeconds(seconds);
    expect(await outcomesOf(20, () => story.verifyNew())).toEqual(['accepted']);
    // Nothing had completed by then, neither success nor failure.
    expect(story.events).toEqual([]);

    await expect.poll(() => endpoint.reached).toBe(2);
    endpoint.release();
    await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);
    expect(await outcomesOf(20, () => story.verifyNew())).toEqual(['accepted']);
    expect(story.keys.state()).toMatchObject({ status: seconds < 600 ? 'fresh' : 'stale', ageSeconds: seconds });
  });

  it('leaves its keys in use for 23 hours and not for 25, is reported once, and is used again without a request', async () => {
    const story = await KeyStory.beginWarm();
    const { endpoint, keys } = story;
    endpoint.fail(trouble);
    for (const at of [1, 23]) {
      story.clock.advanceSeconds(at * hour);
      expect(await outcomesOf(10, () => story.verifyNew())).toEqual(['accepted']);
      await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);
      // An invalid response changes nothing: the earlier keys stay.
      expect(keys.state().status).toBe('stale');
    }
    story.clock.advanceSeconds(hour);
    const error = await errorOf(story.verifier.verify(await story.token()));
    expect(error?.code).toBe('SERVER_ERROR');
    expect(keys.state().status).toBe('missing');
    expect(endpoint.reached).toBeLessThanOrEqual(5);

    endpoint.recover();
    await expect.poll(() => story.timer.delayMs).not.toBeNull();
    expect(story.advanceToTimer()).toBeLessThanOrEqual(15);
    await expect.poll(() => keys.state().status).toBe('fresh');
    expect(await story.verifyNew()).toBe('accepted');
    expect(story.eventTypes()).toEqual(['outage-began', 'outage-ended']);
  });

  it('makes an unknown key a 503 during the outage, while known keys verify', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.fail(trouble);
    const outcomes = await Promise.all([story.verify(story.madeUp()), story.verifyNew(), story.verify(story.madeUp())]);
    expect(outcomes).toEqual(['SERVER_ERROR', 'accepted', 'SERVER_ERROR']);
    expect(story.endpoint.reached).toBe(2);
  });
});

describe('keys that may not be used past their lifetime (staleKeysForSeconds: 0)', () => {
  it.each(['503', 'hang'] as const)('are used until its end in an outage, and no longer: %s', async (trouble) => {
    const story = await KeyStory.beginWarm({ staleKeysForSeconds: 0 });
    story.endpoint.fail(trouble);
    story.clock.advanceSeconds(599);
    expect(await story.verifyNew()).toBe('accepted');
    await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);

    story.clock.advanceSeconds(1);
    expect(await story.verifyNew()).toBe('SERVER_ERROR');
    expect(story.keys.state().status).toBe('missing');
  });

  it('are fetched before use after it, so that a key withdrawn during a suspend is not used again', async () => {
    const story = await KeyStory.beginWarm({ staleKeysForSeconds: 0 });
    const old = await story.token();
    await story.rotate({ keepOld: false });
    story.clock.advanceSeconds(8 * hour);

    expect(await story.verify(old)).toBe('INVALID_TOKEN key');
    expect(await story.verifyNew()).toBe('accepted');
  });
});

describe('an outage that recurs', () => {
  it('is reported at each start and each end, and at no other time', async () => {
    const story = await KeyStory.beginWarm();
    for (let round = 1; round <= 3; round += 1) {
      story.endpoint.fail('503');
      story.clock.advanceSeconds(481);
      for (let failure = 0; failure < 4; failure += 1) {
        expect(await outcomesOf(10, () => story.verifyNew())).toEqual(['accepted']);
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
