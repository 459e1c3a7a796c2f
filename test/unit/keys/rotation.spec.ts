import { describe, expect, it } from 'vitest';
import { hasKid, kidOf, kidsOf, openIssuer, openWarmIssuer } from './opened-source.js';

describe('a new key of the issuer', () => {
  it('is fetched at once, by one call for all requests', async () => {
    const { source, calls, issuer } = await openWarmIssuer({ keyDelayMs: 20 });
    await issuer.rotateKeys({ keepOld: true });
    const wanted = hasKid(kidOf(issuer));
    const sets = await Promise.all(Array.from({ length: 1_000 }, () => source.obtain(wanted)));

    expect(sets.every(wanted)).toBe(true);
    expect(calls).toHaveLength(2);
  });

  it('is fetched at once, however often keys change', async () => {
    const { source, calls, issuer } = await openWarmIssuer();
    for (let rotation = 0; rotation < 5; rotation += 1) {
      await issuer.rotateKeys({ keepOld: false });
      await source.obtain(hasKid(kidOf(issuer)));
    }

    expect(kidsOf(source.current())).toEqual([kidOf(issuer)]);
    expect(calls).toHaveLength(6);
  });
});

describe('a key that the issuer does not have', () => {
  it('causes one fetch each for three, and no unknown key causes another one for ten seconds', async () => {
    const { source, calls, clock } = await openWarmIssuer();
    const wanted = hasKid('made-up');
    for (const kid of ['made-up', 'made-up', 'also-made-up']) {
      expect(kidsOf(await source.obtain(hasKid(kid)))).not.toContain(kid);
    }
    expect(calls).toHaveLength(4);
    await source.obtain(wanted);
    await source.obtain(hasKid('made-up-as-well'));
    clock.advanceSeconds(9.999);
    await source.obtain(wanted);
    expect(calls).toHaveLength(4);

    clock.advanceSeconds(0.002);
    await source.obtain(wanted);
    expect(calls).toHaveLength(5);
  });

  it.each([1, 2])('delays no rotation when a stranger has made up %d of them', async (count) => {
    const { source, issuer } = await openWarmIssuer();
    for (let stray = 0; stray < count; stray += 1) await source.obtain(hasKid(`made-up-${stray}`));
    await issuer.rotateKeys({ keepOld: true });
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
  });

  it('does not cause another fetch sooner because a new key was found in between', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    await issuer.rotateKeys({ keepOld: true });
    await source.obtain(hasKid(kidOf(issuer)));
    clock.advanceSeconds(9);
    for (let at = 0; at < 4; at += 1) await source.obtain(hasKid('made-up'));
    clock.advanceSeconds(9.999);
    await source.obtain(hasKid('made-up'));

    expect(calls).toHaveLength(5);
  });

  it('causes at most three calls in ten seconds, even with ten thousand tokens', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    for (let kid = 0; kid < 10_000; kid += 1) {
      const keys = await source.obtain(hasKid(`made-up-${kid}`));
      if (kid % 1_000 === 0) expect(kidsOf(keys)).toEqual([kidOf(issuer)]);
      clock.advanceSeconds(0.001);
    }

    expect(calls.length).toBeLessThanOrEqual(1 + 3);
  });

  it('causes one call when all tokens arrive concurrently', async () => {
    const { source, calls } = await openWarmIssuer({ keyDelayMs: 20 });
    await Promise.all(Array.from({ length: 1_000 }, (_, kid) => source.obtain(hasKid(`made-up-${kid}`))));

    expect(calls).toHaveLength(2);
  });

  it('does not delay known keys', async () => {
    const { source, issuer } = await openWarmIssuer();
    await source.obtain(hasKid('made-up'));
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
  });

  it('delays a rotation by ten seconds at most', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    for (let at = 0; at < 3; at += 1) await source.obtain(hasKid('made-up'));
    await issuer.rotateKeys({ keepOld: true });
    const wanted = hasKid(kidOf(issuer));
    let waited = 0;
    while (!wanted(await source.obtain(wanted))) {
      // The flood of unknown keys continues.
      await source.obtain(hasKid(`made-up-${waited}`));
      clock.advanceSeconds(0.5);
      waited += 0.5;
    }

    expect(waited).toBeLessThanOrEqual(10);
  });

  it('reports nothing', async () => {
    const { source, events } = await openWarmIssuer();
    await source.obtain(hasKid('made-up'));

    expect(events).toEqual([]);
  });
});

describe('right after the first fetch', () => {
  it('a rotation is found at once', async () => {
    const { source, calls, issuer } = await openIssuer();
    await source.obtain(hasKid(kidOf(issuer)));
    await issuer.rotateKeys({ keepOld: false });
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
    expect(calls).toHaveLength(2);
  });

  it('unknown keys cause two more calls', async () => {
    const { source, calls } = await openIssuer();
    await source.obtain(hasKid('made-up'));
    expect(calls).toHaveLength(1);
    for (let again = 0; again < 5; again += 1) await source.obtain(hasKid('made-up'));
    expect(calls).toHaveLength(3);
  });

  it('a rotation is found at once, although a thousand requests have shared the first fetch', async () => {
    const { source, calls, issuer } = await openIssuer({ keyDelayMs: 20 });
    const first = hasKid(kidOf(issuer));
    await Promise.all(Array.from({ length: 1_000 }, () => source.obtain(first)));
    await issuer.rotateKeys({ keepOld: true });
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
    expect(calls).toHaveLength(2);
  });

  it('a server with a different set at each call is not called for every request', async () => {
    const { source, calls, issuer } = await openWarmIssuer();
    for (let rotation = 0; rotation < 50; rotation += 1) {
      await issuer.rotateKeys({ keepOld: false });
      await source.obtain(hasKid(kidOf(issuer)));
    }

    expect(calls.length).toBeLessThanOrEqual(1 + 10);
  });
});
