/** The issuer signs with a new key, while its key set is outdated, incomplete, or different at each call. */
import { describe, expect, it } from 'vitest';
import { KeyStory, outcomesOf } from './key-story.js';

type Jwk = Readonly<Record<string, unknown>>;

/** What the set contains of the new key before it contains all of it. */
const incompleteSets: readonly (readonly [string, (young: Jwk) => readonly Jwk[]])[] = [
  ['does not show the new key yet', () => []],
  ['has the new key without its material', (young) => [{ ...young, x: undefined, y: undefined }]],
  ['has a truncated new key', (young) => [{ ...young, y: String(young['y']).slice(0, 20) }]],
  ['has a point that is on no curve', (young) => [{ ...young, y: young['x'] }]],
  ['has null instead of the new key', () => [null as unknown as Jwk]],
];

async function rotateIncompletely(story: KeyStory, shown: (young: Jwk) => readonly Jwk[]): Promise<void> {
  const old = story.endpoint.shown.keys;
  await story.rotate({ keepOld: true, shown: false });
  story.endpoint.shown = { keys: [...shown(story.issuer.publicKey), ...old] };
}

describe.each(incompleteSets)('a key set that %s', (_, shown) => {
  it.each(['cold', 'warm'])(
    'does not affect users of the old key, and has the new key within ten seconds: %s',
    async (start) => {
      const story = await KeyStory.begin();
      const old = await story.token();
      if (start === 'warm') expect(await story.verify(old)).toBe('accepted');
      await rotateIncompletely(story, shown);
      const before = story.endpoint.reached;

      expect(await story.verify(old)).toBe('accepted');
      expect(await outcomesOf(20, () => story.verifyNew())).toEqual(['INVALID_TOKEN key']);
      story.clock.advanceSeconds(3);
      story.endpoint.shown = story.issuer.jwks;
      expect(await story.verify(old)).toBe('accepted');
      story.clock.advanceSeconds(7);
      expect(await outcomesOf(20, () => story.verifyNew())).toEqual(['accepted']);

      expect(await story.verify(old)).toBe('accepted');
      expect(story.endpoint.reached - before).toBe(start === 'cold' ? 3 : 2);
      // An incomplete set is valid, so no timer is set for a retry.
      expect(story.events).toEqual([]);
    },
  );

  it('is corrected by the next refresh at the latest, without a request', async () => {
    const story = await KeyStory.beginWarm();
    await rotateIncompletely(story, shown);
    const young = await story.token();
    story.advanceToTimer();
    await expect.poll(() => story.timer.delayMs).toBe(480_000);
    story.endpoint.shown = story.issuer.jwks;
    story.advanceToTimer();
    await expect.poll(() => story.timer.delayMs).toBe(480_000);

    expect(await story.verify(young)).toBe('accepted');
    expect(story.endpoint.reached).toBe(3);
  });
});

describe('key servers with different sets at one address', () => {
  it('never affect the users of a key that all sets have, and do not cause a fetch for each request', async () => {
    const story = await KeyStory.beginWarm();
    const [behind, old] = [story.endpoint.shown, await story.token()];
    await story.rotate({ keepOld: true });
    const ahead = story.endpoint.shown;
    const young: string[] = [];
    for (let second = 0; second < 60; second += 1) {
      // They answer in turn, as behind a load balancer.
      story.endpoint.shown = story.endpoint.reached % 2 === 0 ? behind : ahead;
      if (second % 15 === 0) await story.keys.refresh();
      expect(await story.verify(old)).toBe('accepted');
      young.push(await story.verifyNew());
      story.clock.advanceSeconds(1);
    }

    // Six times ten seconds, and four refreshes by hand.
    expect(story.endpoint.reached).toBeLessThanOrEqual(1 + 6 * 2 + 4);
    // A token is refused for at most ten seconds after each time the set lacked the new key.
    expect(young.filter((outcome) => outcome !== 'accepted').length).toBeLessThanOrEqual(40);
    expect(new Set(young)).toEqual(new Set(['accepted', 'INVALID_TOKEN key']));
  });
});
