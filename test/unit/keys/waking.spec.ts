import { describe, expect, it } from 'vitest';
import { keysFrom } from '../../../src/issuers/remote-keys.js';
import { readKeys } from '../../../src/keys/jwks-loader.js';
import { RemoteKeySource } from '../../../src/keys/remote-key-source.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ec, importUsable } from './jwk-makers.js';
import { startIssuer } from '../../support/started-issuer.js';
import { faultOf, hasKid, kidOf, kidsOf, openIssuer, openSource, openWarmIssuer, settle } from './opened-source.js';

describe('keys in the background, without requests', () => {
  it('are refreshed at four fifths of their lifetime', async () => {
    const { source, timer, calls, clock, issuer } = await openWarmIssuer();
    expect(timer.delayMs).toBe(480_000);
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(480);
    timer.ring();
    await expect.poll(() => kidsOf(source.current())).toEqual([kidOf(issuer)]);

    expect(calls).toHaveLength(2);
    expect(timer.delayMs).toBe(480_000);
  });

  it("are not refreshed early when the app's own clock is slow", async () => {
    const { timer, calls, clock } = await openWarmIssuer();
    clock.advanceSeconds(100);
    timer.ring();
    await settle();

    expect(calls).toHaveLength(1);
    expect(timer.delayMs).toBe(380_000);
  });

  it('are fetched within one step after an outage', async () => {
    const { source, timer, clock, events, issuer } = await openIssuer();
    issuer.fail('503');
    await faultOf(source.obtain(() => true));
    issuer.recover();
    expect(timer.delayMs).toBe(1_000);
    clock.advanceSeconds(1);
    timer.ring();

    await expect.poll(() => events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
    expect(kidsOf(source.current())).toEqual([kidOf(issuer)]);
  });

  it('are requested at growing intervals during an outage, at least every 15 seconds', async () => {
    const { source, timer, calls, clock, issuer } = await openIssuer();
    issuer.fail('503');
    await faultOf(source.obtain(() => true));
    const delays: number[] = [];
    for (let step = 0; step < 12; step += 1) {
      const delay = timer.delayMs ?? 0;
      delays.push(delay);
      clock.advanceSeconds(delay / 1_000);
      timer.ring();
      await expect.poll(() => calls.length).toBe(step + 2);
      await expect.poll(() => timer.delayMs).not.toBeNull();
    }

    expect(Math.min(...delays)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(15_000);
    expect(delays.at(-1)).toBeGreaterThanOrEqual(9_600);
  });

  it('are not refreshed once the source is closed', async () => {
    const { source, timer, issuer } = await openWarmIssuer();
    source.close();
    expect(timer.delayMs).toBeNull();
    await source.refresh();
    expect(timer.delayMs).toBeNull();
    expect(kidsOf(source.current())).toEqual([kidOf(issuer)]);
  });
});

describe('a requested refresh', () => {
  it('withdraws removed keys at once', async () => {
    const { source, issuer } = await openWarmIssuer();
    await issuer.rotateKeys({ keepOld: false });
    await source.refresh();

    expect(kidsOf(source.current())).toEqual([kidOf(issuer)]);
  });

  it('does not use the response of a call that began before it', async () => {
    let keys = [importUsable({ ...ec.jwk, kid: 'old' })];
    let answer = (): void => undefined;
    const calls: string[] = [];
    const source = new RemoteKeySource({
      what: 'the keys',
      load: () => {
        const answered = { keys, maxAgeSeconds: null };
        calls.push('load');
        return new Promise((resolve) => {
          answer = () => {
            resolve(answered);
          };
        });
      },
      clock: new ManualClock(),
      report: () => undefined,
      timer: new ManualTimer(),
    });
    const earlier = source.obtain(() => true);
    keys = [importUsable({ ...ec.jwk, kid: 'new' })];
    const refreshed = source.refresh();
    answer();
    await earlier;
    await expect.poll(() => calls.length).toBe(2);
    answer();
    await refreshed;

    expect(kidsOf(source.current())).toEqual(['new']);
  });

  it('fails when the issuer does not answer, and keeps the cached keys', async () => {
    const { source, issuer } = await openWarmIssuer();
    issuer.fail('reset');
    await faultOf(source.refresh());

    expect(kidsOf(source.current())).toEqual([kidOf(issuer)]);
  });
});

describe('the state of keys', () => {
  it('changes from unasked to fresh, stale and missing, and back', async () => {
    const { source, clock, issuer } = await openIssuer();
    expect(source.state()).toEqual({ status: 'unasked', ageSeconds: null, nextRefreshAt: null, lastError: null });
    await source.obtain(() => true);
    const nextRefreshAt = new Date(clock.now().getTime() + 480_000);
    expect(source.state()).toEqual({ status: 'fresh', ageSeconds: 0, nextRefreshAt, lastError: null });

    issuer.fail('503');
    clock.advanceSeconds(500);
    await faultOf(source.refresh());
    const lastError = `${new URL(issuer.url).host} answered with status 503`;
    expect(source.state()).toMatchObject({ status: 'fresh', ageSeconds: 500, lastError });
    clock.advanceSeconds(200);
    expect(source.state()).toMatchObject({ status: 'stale', ageSeconds: 700, lastError });
    clock.advanceSeconds(86_400);
    expect(source.state()).toMatchObject({ status: 'missing', lastError });

    issuer.recover();
    await source.refresh();
    expect(source.state()).toMatchObject({ status: 'fresh', ageSeconds: 0, lastError: null });
  });

  it('is missing exactly when there are no usable keys, also after a suspend', async () => {
    const { source, clock } = await openWarmIssuer();
    const seen: string[] = [];
    for (const seconds of [0, 599, 600, 86_399, 86_999, 87_000, 200_000]) {
      const passed = clock.now();
      clock.advanceSeconds(seconds);
      const { status } = source.state();
      seen.push(status);
      expect([seconds, source.current() === null]).toEqual([seconds, status === 'missing']);
      // The refresh that the read has started is complete before the next read.
      await source.refresh();
      clock.advanceSeconds((passed.getTime() - clock.now().getTime()) / 1_000);
      await source.refresh();
    }

    expect(seen).toEqual(['fresh', 'fresh', 'stale', 'stale', 'stale', 'missing', 'missing']);
  });

  it('is missing when there never were keys', async () => {
    const { source, issuer } = await openIssuer();
    issuer.fail('503');
    await faultOf(source.obtain(() => true));

    expect(source.state()).toMatchObject({ status: 'missing', ageSeconds: null });
  });
});

describe('keys with options of the app', () => {
  it('are used from the start without network, and replaced once the server answers', async () => {
    const issuer = await startIssuer();
    const initialKeys = readKeys(issuer.jwks.keys);
    const old = kidOf(issuer);
    issuer.fail('503');
    const { source, clock } = openSource(keysFrom(issuer.jwksUri, { initialKeys }));
    expect(kidsOf(source.current())).toEqual([old]);
    await settle();

    issuer.recover();
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(2);
    source.current();
    await expect.poll(() => kidsOf(source.current())).toEqual([kidOf(issuer)]);
  });

  it('stay in use for as long as the option states, or not at all', async () => {
    const issuer = await startIssuer();
    const { source, clock } = openSource(keysFrom(issuer.jwksUri, { staleKeysForSeconds: 0 }));
    await source.obtain(() => true);
    issuer.fail('503');
    clock.advanceSeconds(599);
    expect(source.current()).not.toBeNull();
    clock.advanceSeconds(1);
    await faultOf(source.obtain(() => true));
  });

  it('are fetched from the first of several addresses that has them', async () => {
    const [first, second] = [await startIssuer(), await startIssuer()];
    first.fail('garbage');
    const { source } = openSource(keysFrom([first.jwksUri, second.jwksUri]));
    expect(kidsOf(await source.obtain(hasKid(kidOf(second))))).toEqual([kidOf(second)]);

    first.recover();
    await source.refresh();
    expect(kidsOf(source.current())).toEqual([kidOf(first)]);
  });
});
