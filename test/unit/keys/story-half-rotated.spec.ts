/** The issuer signs with a new key, and the key set is behind, cut short, or different each time it is asked. */
import { describe, expect, it } from 'vitest';
import { KeyStory, outcomesOf } from './key-story.js';

type Jwk = Readonly<Record<string, unknown>>;

/** What the set shows of the new key before it shows all of it. */
const halves: readonly (readonly [string, (young: Jwk) => readonly Jwk[]])[] = [
  ['does not show the new key yet', () => []],
  ['names the new key without its material', (young) => [{ ...young, x: undefined, y: undefined }]],
  ['has a new key that is cut short', (young) => [{ ...young, y: String(young['y']).slice(0, 20) }]],
  ['has a point that is on no curve', (young) => [{ ...young, y: young['x'] }]],
  ['has nothing where the new key will be', () => [null as unknown as Jwk]],
];

async function rotateHalfway(story: KeyStory, half: (young: Jwk) => readonly Jwk[]): Promise<void> {
  const old = story.endpoint.shown.keys;
  await story.rotate({ keepOld: true, shown: false });
  story.endpoint.shown = { keys: [...half(story.issuer.publicKey), ...old] };
}

describe.each(halves)('a key set that %s', (_, half) => {
  it.each(['cold', 'warm'])(
    'leaves users of the old key alone, and has the new one within ten seconds: %s',
    async (start) => {
      const story = await KeyStory.begin();
      const old = await story.token();
      if (start === 'warm') expect(await story.judge(old)).toBe('accepted');
      await rotateHalfway(story, half);
      const before = story.endpoint.reached;

      expect(await story.judge(old)).toBe('accepted');
      expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['INVALID_TOKEN key']);
      story.clock.advanceSeconds(3);
      story.endpoint.shown = story.issuer.jwks;
      expect(await story.judge(old)).toBe('accepted');
      story.clock.advanceSeconds(7);
      expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['accepted']);

      expect(await story.judge(old)).toBe('accepted');
      expect(story.endpoint.reached - before).toBe(start === 'cold' ? 3 : 2);
      // Half a set is a set: anonymousCaller is woken for it.
      expect(story.events).toEqual([]);
    },
  );

  it('is mended by the next refresh at the latest, without a request', async () => {
    const story = await KeyStory.beginWarm();
    await rotateHalfway(story, half);
    const young = await story.token();
    story.advanceToTimer();
    await expect.poll(() => story.timer.delayMs).toBe(480_000);
    story.endpoint.shown = story.issuer.jwks;
    story.advanceToTimer();
    await expect.poll(() => story.timer.delayMs).toBe(480_000);

    expect(await story.judge(young)).toBe('accepted');
    expect(story.endpoint.reached).toBe(3);
  });
});

describe('key servers that disagree behind one address', () => {
  it('never cost the users of the key that all of them have, nor a fetch for each request', async () => {
    const story = await KeyStory.beginWarm();
    const [behind, old] = [story.endpoint.shown, await story.token()];
    await story.rotate({ keepOld: true });
    const ahead = story.endpoint.shown;
    const young: string[] = [];
    for (let second = 0; second < 60; second += 1) {
      // By turns, as behind a load balancer.
      story.endpoint.shown = story.endpoint.reached % 2 === 0 ? behind : ahead;
      if (second % 15 === 0) await story.keys.refresh();
      expect(await story.judge(old)).toBe('accepted');
      young.push(await story.judgeNew());
      story.clock.advanceSeconds(1);
    }

    // Six times ten seconds, and four refreshes by hand.
    expect(story.endpoint.reached).toBeLessThanOrEqual(1 + 6 * 2 + 4);
    // Refused for ten seconds at the most after each time the set was seen without the new key.
    expect(young.filter((outcome) => outcome !== 'accepted').length).toBeLessThanOrEqual(40);
    expect(new Set(young)).toEqual(new Set(['accepted', 'INVALID_TOKEN key']));
  });
});
