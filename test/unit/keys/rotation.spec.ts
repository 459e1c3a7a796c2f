import { describe, expect, it } from 'vitest';
import { hasKid, kidOf, kidsOf, openIssuer, openWarmIssuer } from './opened-source.js';

describe('a key that has just come', () => {
  it('is fetched at once, for everybody by one call', async () => {
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
  it('is asked for once, and neither it nor another one again for ten seconds', async () => {
    const { source, calls, clock } = await openWarmIssuer();
    const wanted = hasKid('made-up');
    expect(wanted(await source.obtain(wanted))).toBe(false);
    expect(calls).toHaveLength(2);
    await source.obtain(wanted);
    await source.obtain(hasKid('also-made-up'));
    clock.advanceSeconds(9.999);
    await source.obtain(wanted);
    expect(calls).toHaveLength(2);

    clock.advanceSeconds(0.002);
    await source.obtain(wanted);
    expect(calls).toHaveLength(3);
  });

  it('is not asked for again sooner because a new one was found meanwhile', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    await issuer.rotateKeys({ keepOld: true });
    await source.obtain(hasKid(kidOf(issuer)));
    clock.advanceSeconds(9);
    await source.obtain(hasKid('made-up'));
    clock.advanceSeconds(9.999);
    await source.obtain(hasKid('made-up'));

    expect(calls).toHaveLength(3);
  });

  it('costs at most two calls in ten seconds, be it ten thousand of them', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    for (let kid = 0; kid < 10_000; kid += 1) {
      const keys = await source.obtain(hasKid(`made-up-${kid}`));
      if (kid % 1_000 === 0) expect(kidsOf(keys)).toEqual([kidOf(issuer)]);
      clock.advanceSeconds(0.001);
    }

    expect(calls.length).toBeLessThanOrEqual(2);
  });

  it('costs one call when all of them come at once', async () => {
    const { source, calls } = await openWarmIssuer({ keyDelayMs: 20 });
    await Promise.all(Array.from({ length: 1_000 }, (_, kid) => source.obtain(hasKid(`made-up-${kid}`))));

    expect(calls).toHaveLength(2);
  });

  it('does not keep the known ones from being found', async () => {
    const { source, issuer } = await openWarmIssuer();
    await source.obtain(hasKid('made-up'));
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
  });

  it('hides a rotation for ten seconds at the most', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    await source.obtain(hasKid('made-up'));
    await issuer.rotateKeys({ keepOld: true });
    const wanted = hasKid(kidOf(issuer));
    let waited = 0;
    while (!wanted(await source.obtain(wanted))) {
      // The flood goes on meanwhile.
      await source.obtain(hasKid(`made-up-${waited}`));
      clock.advanceSeconds(0.5);
      waited += 0.5;
    }

    expect(waited).toBeLessThanOrEqual(10);
  });

  it('is no reason to report anything', async () => {
    const { source, events } = await openWarmIssuer();
    await source.obtain(hasKid('made-up'));

    expect(events).toEqual([]);
  });
});

describe('right after the start', () => {
  it('a rotation is found at once', async () => {
    const { source, calls, issuer } = await openIssuer();
    await source.obtain(hasKid(kidOf(issuer)));
    await issuer.rotateKeys({ keepOld: false });
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
    expect(calls).toHaveLength(2);
  });

  it('an unknown key costs no call of its own: the first has just answered', async () => {
    const { source, calls } = await openIssuer();
    await source.obtain(hasKid('made-up'));
    expect(calls).toHaveLength(1);
    for (let again = 0; again < 5; again += 1) await source.obtain(hasKid('made-up'));
    expect(calls).toHaveLength(1);
  });

  it('a rotation is found at once, although a thousand have asked for the first keys together', async () => {
    const { source, calls, issuer } = await openIssuer({ keyDelayMs: 20 });
    const first = hasKid(kidOf(issuer));
    await Promise.all(Array.from({ length: 1_000 }, () => source.obtain(first)));
    await issuer.rotateKeys({ keepOld: true });
    const wanted = hasKid(kidOf(issuer));

    expect(wanted(await source.obtain(wanted))).toBe(true);
    expect(calls).toHaveLength(2);
  });

  it('a server that shows another set each time it is asked is not asked by every request', async () => {
    const { source, calls, issuer } = await openWarmIssuer();
    for (let rotation = 0; rotation < 50; rotation += 1) {
      await issuer.rotateKeys({ keepOld: false });
      await source.obtain(hasKid(kidOf(issuer)));
    }

    expect(calls.length).toBeLessThanOrEqual(1 + 10);
  });
});
