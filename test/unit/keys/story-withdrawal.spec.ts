/** The issuer removes a key: its tokens are refused from the next refresh on, including cached ones. */
import { describe, expect, it } from 'vitest';
import { KeyStory } from './key-story.js';

/** A token that was used often enough to be cached. */
async function remembered(story: KeyStory): Promise<string> {
  const token = await story.token();
  for (let time = 0; time < 2; time += 1) expect(await story.verify(token)).toBe('accepted');
  expect(story.verifier.findVerified(token)).toBeDefined();
  return token;
}

describe('a key that the issuer has removed', () => {
  it('stops verifying at the next refresh, which needs no request, also for cached tokens', async () => {
    const story = await KeyStory.beginWarm();
    const [again, young] = [await remembered(story), await story.token()];
    await story.rotate({ keepOld: false });
    story.clock.advanceSeconds(479);
    expect(story.verifier.findVerified(again)).toBeDefined();
    story.clock.advanceSeconds(1);
    story.timer.ring();
    await expect.poll(() => story.timer.delayMs).toBe(480_000);

    expect(story.verifier.findVerified(again)).toBeUndefined();
    expect([await story.verify(again), await story.verify(young)]).toEqual(['INVALID_TOKEN key', 'INVALID_TOKEN key']);
    expect(await story.verifyNew()).toBe('accepted');
  });

  it('stops verifying at keys.refresh(), regardless of earlier unknown keys and failures', async () => {
    const story = await KeyStory.beginWarm();
    const again = await remembered(story);
    story.endpoint.fail('503');
    for (let failure = 0; failure < 5; failure += 1) await story.keys.refresh().catch(() => undefined);
    story.endpoint.recover();
    await story.rotate({ keepOld: false });
    expect(await story.verify(again)).toBe('accepted');
    const before = story.endpoint.reached;
    await story.keys.refresh();

    expect(story.endpoint.reached).toBe(before + 1);
    expect(await story.verify(again)).toBe('INVALID_TOKEN key');
    expect(await story.verifyNew()).toBe('accepted');
  });

  it('does not affect cached tokens of another key', async () => {
    const story = await KeyStory.beginWarm();
    const dropped = await remembered(story);
    await story.rotate({ keepOld: true });
    const kept = await remembered(story);
    const verified = story.verifier.findVerified(kept);
    story.endpoint.shown = { keys: [story.issuer.publicKey] };
    await story.keys.refresh();

    expect(story.verifier.findVerified(kept)).toBe(verified);
    expect(story.verifier.findVerified(dropped)).toBeUndefined();
  });

  it('verifies again when the issuer adds it again', async () => {
    const story = await KeyStory.beginWarm();
    const [again, before] = [await remembered(story), story.endpoint.shown];
    await story.rotate({ keepOld: false });
    await story.keys.refresh();
    expect(await story.verify(again)).toBe('INVALID_TOKEN key');
    story.endpoint.shown = before;
    await story.keys.refresh();

    expect(await story.verify(again)).toBe('accepted');
  });
});
