/** Clients send many unknown key ids, and valid users, rotations and memory are not affected. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { hour, KeyStory, outcomesOf } from './key-story.js';

/** The maximum number of calls within any ten seconds. */
function mostInTenSeconds(moments: readonly number[]): number {
  return Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + 10_000).length));
}

/** Records the times of the server's calls, by the scenario's clock. */
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
  /** The time between two forged tokens. */
  readonly pauseMs: number;
}

/** Sends forged tokens, and runs another function every 100 ms. */
async function flood(story: KeyStory, { milliseconds, pauseMs }: Flood, meanwhile: (at: number) => Promise<void>) {
  for (let at = 0; at < milliseconds; at += pauseMs) {
    expect(await story.verify(story.madeUp())).toBe('INVALID_TOKEN key');
    if (at % 100 === 0) await meanwhile(at);
    story.clock.advanceSeconds(pauseMs / 1_000);
  }
}

describe('a flood of unknown key ids', () => {
  it.each(['cold', 'warm'])(
    'of ten thousand in ten seconds causes at most three fetches, and does not affect valid users: %s',
    async (start) => {
      const story = start === 'cold' ? await KeyStory.begin() : await KeyStory.beginWarm();
      const { moments, note } = noteCalls(story);
      await flood(story, { milliseconds: 10_000, pauseMs: 1 }, async () => {
        expect(await story.verifyNew()).toBe('accepted');
        note();
      });

      expect(moments.length).toBeLessThanOrEqual(3);
      expect(story.events).toEqual([]);
    },
    30_000,
  );

  it('causes one fetch when all tokens arrive concurrently', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.hold();
    const floods = outcomesOf(1_000, () => story.verify(story.madeUp()));
    // Tokens with a known key do not wait for it.
    expect(await outcomesOf(20, () => story.verifyNew())).toEqual(['accepted']);
    await expect.poll(() => story.endpoint.reached).toBe(2);
    story.endpoint.release();

    expect(await floods).toEqual(['INVALID_TOKEN key']);
    expect(story.endpoint.reached).toBe(2);
  });

  it.each([1, 500, 5_000, 9_900, 10_100])(
    'delays a rotation by ten seconds at most: %d ms after its start',
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
        expect(await story.verify(old)).toBe('accepted');
        if (rotated !== null && taken === null && (await story.verifyNew()) === 'accepted') taken = at;
        if (taken !== null) expect(await story.verifyNew()).toBe('accepted');
        note();
      });

      expect(taken).not.toBeNull();
      expect((taken ?? 0) - (rotated ?? 0)).toBeLessThanOrEqual(10_000);
      // Three for forged tokens, and one for the new key.
      expect(mostInTenSeconds(moments)).toBeLessThanOrEqual(4);
    },
    30_000,
  );

  it('starts its cooldown at the start of a fetch, however long the server takes', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.hold();
    const stranger = story.verify(story.madeUp());
    await expect.poll(() => story.endpoint.reached).toBe(2);
    story.clock.advanceSeconds(4);
    story.endpoint.release();
    expect(await stranger).toBe('INVALID_TOKEN key');
    for (let at = 0; at < 2; at += 1) expect(await story.verify(story.madeUp())).toBe('INVALID_TOKEN key');
    await story.rotate({ keepOld: true });
    story.clock.advanceSeconds(5.999);
    expect(await story.verifyNew()).toBe('INVALID_TOKEN key');
    story.clock.advanceSeconds(0.001);

    expect(await story.verifyNew()).toBe('accepted');
  });

  it('does not affect known keys: they are refreshed in time, and by hand at once', async () => {
    const story = await KeyStory.beginWarm();
    const old = await story.token();
    for (let second = 0; second < 480; second += 1) {
      await story.verify(story.madeUp());
      story.clock.advanceSeconds(1);
    }
    const before = story.endpoint.reached;
    await story.rotate({ keepOld: false });
    // An unknown key has just started the cooldown.
    await story.verify(story.madeUp());
    await story.keys.refresh();
    expect(story.endpoint.reached).toBeGreaterThan(before);
    expect(await story.verify(old)).toBe('INVALID_TOKEN key');
    expect(await story.verifyNew()).toBe('accepted');
  });

  it("does not prevent the refresh at four fifths of the keys' lifetime", async () => {
    const story = await KeyStory.beginWarm();
    story.clock.advanceSeconds(475);
    await story.rotate({ keepOld: false, shown: false });
    await story.verify(story.madeUp());
    const before = story.endpoint.reached;
    // The fetch for the unknown key has moved the refresh to four fifths of the newer set's lifetime.
    expect(story.timer.delayMs).toBe(480_000);
    story.clock.advanceSeconds(479);
    await story.verify(story.madeUp());
    story.endpoint.shown = story.issuer.jwks;
    story.advanceToTimer();
    await expect.poll(async () => story.verifyNew()).toBe('accepted');
    expect(story.endpoint.reached).toBe(before + 2);
  });

  it('causes no additional calls during an outage', async () => {
    const story = await KeyStory.beginWarm();
    story.endpoint.fail('503');
    for (let second = 0; second < 600; second += 1) {
      expect(await outcomesOf(5, () => story.verify(story.madeUp()))).toEqual(['SERVER_ERROR']);
      expect(await story.verifyNew()).toBe('accepted');
      story.clock.advanceSeconds(1);
    }

    // Two at once, four while the delay doubles, then one in 9.6 to 14.4 s.
    expect(story.endpoint.reached).toBeLessThanOrEqual(1 + 6 + Math.ceil((600 - 15) / 9.6));
    expect(story.eventTypes()).toEqual(['outage-began']);
  }, 20_000);

  it('leaves nothing in memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const story = await KeyStory.beginWarm();
    const send = async (amount: number): Promise<number> => {
      for (let at = 0; at < amount; at += 1) await story.verify(story.madeUp(`${at}-`.padEnd(1_000, 'x')));
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await send(1_000);
    const after = await send(20_000);

    // The ids alone would take 20 MB.
    expect(after - before).toBeLessThan(4_000_000);
  }, 30_000);
});

describe('the cooldown after an unknown key', () => {
  it('prevents calls for ten seconds, for the same and for every other unknown key id', async () => {
    const story = await KeyStory.beginWarm();
    const again = story.madeUp('gone');
    for (let at = 0; at < 3; at += 1) expect(await story.verify(again)).toBe('INVALID_TOKEN key');
    story.endpoint.fail('hang');
    for (let time = 0; time < 10; time += 1) {
      expect(await story.verify(again)).toBe('INVALID_TOKEN key');
      expect(await story.verify(story.madeUp())).toBe('INVALID_TOKEN key');
      story.clock.advanceSeconds(0.999);
    }
    expect(story.endpoint.reached).toBe(4);
  });

  it('ends, and the key is found when the issuer has added it', async () => {
    const story = await KeyStory.beginWarm();
    await story.rotate({ keepOld: true, shown: false });
    const early = await story.token();
    expect(await story.verify(early)).toBe('INVALID_TOKEN key');
    story.endpoint.shown = story.issuer.jwks;
    story.clock.advanceSeconds(10);

    expect(await story.verify(early)).toBe('accepted');
    story.clock.advanceSeconds(hour);
    expect(await story.verify(early)).toBe('accepted');
  });
});
