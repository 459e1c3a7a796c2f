/** Strangers send key names that anonymousCaller has, as many as they like: good users, rotations and memory do not feel it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { hour, KeyStory, outcomesOf } from './key-story.js';

/** The most calls that reached the server within ten seconds, wherever these begin. */
function mostInTenSeconds(moments: readonly number[]): number {
  return Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + 10_000).length));
}

/** Notes when calls reach the server, by the story's clock. */
function noteCalls({ endpoint, clock }: KeyStory): { readonly moments: number[]; readonly note: () => void } {
  const moments: number[] = [];
  let seen = endpoint.reached;
  const note = (): void => {
    for (; seen < endpoint.reached; seen += 1) moments.push(clock.now().getTime());
  };
  return { moments, note };
}

interface Flood {
  readonly milliseconds: number;
  /** Between one made-up token and the next. */
  readonly pauseMs: number;
}

/** Sends made-up tokens, and does something else beside them each 100 ms. */
async function flood(story: KeyStory, { milliseconds, pauseMs }: Flood, beside: (at: number) => Promise<void>) {
  for (let at = 0; at < milliseconds; at += pauseMs) {
    expect(await story.judge(story.madeUp())).toBe('INVALID_TOKEN key');
    if (at % 100 === 0) await beside(at);
    story.clock.advanceSeconds(pauseMs / 1_000);
  }
}

describe('a flood of made-up key names', () => {
  it.each(['cold', 'warm'])(
    'of ten thousand in ten seconds costs at most two fetches, beside good users: %s',
    async (start) => {
      const story = start === 'cold' ? await KeyStory.begin() : await KeyStory.beginWarm();
      const { moments, note } = noteCalls(story);
      await flood(story, { milliseconds: 10_000, pauseMs: 1 }, async () => {
        expect(await story.judgeNew()).toBe('accepted');
        note();
      });

      expect(moments.length).toBeLessThanOrEqual(2);
      expect(story.events).toEqual([]);
    },
    30_000,
  );

  it('costs one fetch when all of it comes at once', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.hold();
    const floods = outcomesOf(1_000, () => story.judge(story.madeUp()));
    // Those whose key is known wait for none of it.
    expect(await outcomesOf(20, () => story.judgeNew())).toEqual(['accepted']);
    await expect.poll(() => story.endpoint.reached).toBe(2);
    story.endpoint.release();

    expect(await floods).toEqual(['INVALID_TOKEN key']);
    expect(story.endpoint.reached).toBe(2);
  });

  it.each([1, 500, 5_000, 9_900, 10_100])(
    'delays a rotation in its midst by ten seconds at the most: %d ms after its beginning',
    async (rotatedAt) => {
      const story = await KeyStory.beginWarm();
      const old = await story.token();
      const { moments, note } = noteCalls(story);
      let rotated: number | null = null;
      let taken: number | null = null;
      await flood(story, { milliseconds: rotatedAt + 10_200, pauseMs: 10 }, async (at) => {
        if (rotated === null && at >= rotatedAt) {
          await story.rotate({ keepOld: true });
          rotated = at;
        }
        expect(await story.judge(old)).toBe('accepted');
        if (rotated !== null && taken === null && (await story.judgeNew()) === 'accepted') taken = at;
        if (taken !== null) expect(await story.judgeNew()).toBe('accepted');
        note();
      });

      expect(taken).not.toBeNull();
      expect((taken ?? 0) - (rotated ?? 0)).toBeLessThanOrEqual(10_000);
      expect(mostInTenSeconds(moments)).toBeLessThanOrEqual(2);
    },
    30_000,
  );

  it('counts the ten seconds from the beginning of a fetch, however long the server takes', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.hold();
    const stranger = story.judge(story.madeUp());
    await expect.poll(() => story.endpoint.reached).toBe(2);
    story.clock.advanceSeconds(4);
    story.endpoint.release();
    expect(await stranger).toBe('INVALID_TOKEN key');
    await story.rotate({ keepOld: true });
    story.clock.advanceSeconds(5.999);
    expect(await story.judgeNew()).toBe('INVALID_TOKEN key');
    story.clock.advanceSeconds(0.001);

    expect(await story.judgeNew()).toBe('accepted');
  });

  it('uses up nothing that known keys need: they are refreshed in time, and by hand at once', async () => {
    const story = await KeyStory.beginWarm();
    const old = await story.token();
    for (let second = 0; second < 480; second += 1) {
      await story.judge(story.madeUp());
      story.clock.advanceSeconds(1);
    }
    const before = story.endpoint.reached;
    await story.rotate({ keepOld: false });
    // A stranger has just spent the cooldown.
    await story.judge(story.madeUp());
    await story.keys.refresh();
    expect(story.endpoint.reached).toBeGreaterThan(before);
    expect(await story.judge(old)).toBe('INVALID_TOKEN key');
    expect(await story.judgeNew()).toBe('accepted');
  });

  it('keeps no refresh from coming at four fifths of the life of keys', async () => {
    const story = await KeyStory.beginWarm();
    story.clock.advanceSeconds(475);
    await story.rotate({ keepOld: false, shown: false });
    await story.judge(story.madeUp());
    const before = story.endpoint.reached;
    // The fetch of the stranger has put the refresh off to four fifths of the newer set's life.
    expect(story.timer.delayMs).toBe(480_000);
    story.clock.advanceSeconds(479);
    await story.judge(story.madeUp());
    story.endpoint.shown = story.issuer.jwks;
    story.advanceToTimer();
    await expect.poll(async () => story.judgeNew()).toBe('accepted');
    expect(story.endpoint.reached).toBe(before + 2);
  });

  it('during an outage makes no more calls than the outage does without it', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.fail('503');
    for (let second = 0; second < 600; second += 1) {
      expect(await outcomesOf(5, () => story.judge(story.madeUp()))).toEqual(['SERVER_ERROR']);
      expect(await story.judgeNew()).toBe('accepted');
      story.clock.advanceSeconds(1);
    }

    // Two at once, six while the pauses double, one in 40 to 60 s from then on.
    expect(story.endpoint.reached).toBeLessThanOrEqual(1 + 8 + Math.ceil((600 - 63) / 40));
    expect(story.eventTypes()).toEqual(['outage-began']);
  }, 20_000);

  it('leaves nothing behind in memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const story = await KeyStory.beginWarm();
    const send = async (amount: number): Promise<number> => {
      for (let at = 0; at < amount; at += 1) await story.judge(story.madeUp(`${at}-`.padEnd(1_000, 'x')));
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await send(1_000);
    const after = await send(20_000);

    // Had their names alone been kept, it would be 20 MB.
    expect(after - before).toBeLessThan(4_000_000);
  }, 30_000);
});

describe('a remembered miss', () => {
  it('costs nothing for ten seconds, neither for the name that was missed nor for any other', async () => {
    const story = await KeyStory.beginWarm();
    const again = story.madeUp('gone');
    expect(await story.judge(again)).toBe('INVALID_TOKEN key');
    story.endpoint.fail('hang');
    for (let time = 0; time < 10; time += 1) {
      expect(await story.judge(again)).toBe('INVALID_TOKEN key');
      expect(await story.judge(story.madeUp())).toBe('INVALID_TOKEN key');
      story.clock.advanceSeconds(0.999);
    }
    expect(story.endpoint.reached).toBe(2);
  });

  it('is no verdict for life: the key is found when the issuer has it', async () => {
    const story = await KeyStory.beginWarm();
    await story.rotate({ keepOld: true, shown: false });
    const early = await story.token();
    expect(await story.judge(early)).toBe('INVALID_TOKEN key');
    story.endpoint.shown = story.issuer.jwks;
    story.clock.advanceSeconds(10);

    expect(await story.judge(early)).toBe('accepted');
    story.clock.advanceSeconds(hour);
    expect(await story.judge(early)).toBe('accepted');
  });
});
