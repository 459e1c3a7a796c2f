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
  const old = story.desk.shown.keys;
  await story.rotate({ keepOld: true, shown: false });
  story.desk.shown = { keys: [...half(story.issuer.publicKey), ...old] };
}

describe.each(halves)('a key set that %s', (_, half) => {
  it.each(['cold', 'warm'])(
    'leaves users of the old key alone, and has the new one within ten seconds: %s',
    async (start) => {
      const story = await KeyStory.begin();
      const old = await story.token();
      if (start === 'warm') expect(await story.judge(old)).toBe('accepted');
      await rotateHalfway(story, half);
      const before = story.desk.reached;

      expect(await story.judge(old)).toBe('accepted');
      expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['INVALID_TOKEN key']);
      story.clock.advanceSeconds(3);
      story.desk.shown = story.issuer.jwks;
      expect(await story.judge(old)).toBe('accepted');
      story.clock.advanceSeconds(7);
      expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['accepted']);

      expect(await story.judge(old)).toBe('accepted');
      expect(story.desk.reached - before).toBe(start === 'cold' ? 3 : 2);
      // Half a set is a set: nobody is woken for it.
      expect(story.events).toEqual([]);
    },
  );

  it('is mended by the next refresh at the latest, without a request', async () => {
    const story = await KeyStory.beginWarm();
    await rotateHalfway(story, half);
    const young = await story.token();
    story.passToAlarm();
    await expect.poll(() => story.alarm.delayMs).toBe(480_000);
    story.desk.shown = story.issuer.jwks;
    story.passToAlarm();
    await expect.poll(() => story.alarm.delayMs).toBe(480_000);

    expect(await story.judge(young)).toBe('accepted');
    expect(story.desk.reached).toBe(3);
  });
});

describe('key servers that disagree behind one address', () => {
  it('never cost the users of the key that all of them have, nor a fetch for each request', async () => {
    const story = await KeyStory.beginWarm();
    const [behind, old] = [story.desk.shown, await story.token()];
    await story.rotate({ keepOld: true });
    const ahead = story.desk.shown;
    const young: string[] = [];
    for (let second = 0; second < 60; second += 1) {
      // By turns, as behind a load balancer.
      story.desk.shown = story.desk.reached % 2 === 0 ? behind : ahead;
      if (second % 15 === 0) await story.keys.refresh();
      expect(await story.judge(old)).toBe('accepted');
      young.push(await story.judgeNew());
      story.clock.advanceSeconds(1);
    }

    // Six times ten seconds, and four refreshes by hand.
    expect(story.desk.reached).toBeLessThanOrEqual(1 + 6 * 2 + 4);
    // Refused for ten seconds at the most after each time the set was seen without the new key.
    expect(young.filter((outcome) => outcome !== 'accepted').length).toBeLessThanOrEqual(40);
    expect(new Set(young)).toEqual(new Set(['accepted', 'INVALID_TOKEN key']));
  });
});
