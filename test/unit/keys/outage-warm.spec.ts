import { describe, expect, it } from 'vitest';
import { keysFrom } from '../../../src/issuers/remote-keys.js';
import { issuerFaults } from '../../../src/testing/issuer-fault.js';
import { startDocuments } from '../../support/answering-server.js';
import { ec } from './jwk-makers.js';
import { faultOf, hasKid, kidOf, kidsOf, openSource, openWarmIssuer, renewed, settle } from './opened-source.js';

const hour = 3_600;

describe('a server that fails after its first response', () => {
  it.each(issuerFaults)('leaves its keys in use, and makes unknown keys a fault: %s', async (fault) => {
    const { source, clock, issuer } = await openWarmIssuer();
    const known = hasKid(kidOf(issuer));
    issuer.fail(fault);
    clock.advanceSeconds(hour);

    expect(known(await source.obtain(known))).toBe(true);
    expect((await faultOf(source.obtain(hasKid('made-up')))).retryAfterSeconds).toBeGreaterThanOrEqual(1);
  });

  it('never withdraws all keys by an unusable set', async () => {
    const documents: Record<string, unknown> = { '/keys': { keys: [{ ...ec.jwk, kid: 'a' }] } };
    const { url } = await startDocuments(documents);
    const { source, clock, events } = openSource(keysFrom(`${url}/keys`));
    await source.obtain(hasKid('a'));
    for (const useless of [{ keys: [] }, { keys: [{ ...ec.jwk, kid: 'a', use: 'enc' }] }, {}, 'keys']) {
      documents['/keys'] = useless;
      clock.advanceSeconds(hour);
      expect(kidsOf(await source.obtain(hasKid('a')))).toEqual(['a']);
      await faultOf(source.obtain(hasKid('other')));
    }

    expect(events).toMatchObject([{ type: 'outage-began' }]);
  });

  it('leaves its keys in use for a day past their lifetime, and no longer', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    const known = hasKid(kidOf(issuer));
    issuer.fail('503');
    for (let passed = 0; passed < 24; passed += 1) {
      expect(known(await source.obtain(known))).toBe(true);
      clock.advanceSeconds(hour);
    }
    expect(known(await source.obtain(known))).toBe(true);

    clock.advanceSeconds(599);
    expect(known(await source.obtain(known))).toBe(true);
    expect(source.current()).not.toBeNull();

    clock.advanceSeconds(2);
    expect(source.current()).toBeNull();
    await faultOf(source.obtain(known));
  });

  it('leaves its keys in use after 23 hours of outage, and not after 25', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    const known = hasKid(kidOf(issuer));
    issuer.fail('503');
    clock.advanceSeconds(23 * hour);
    expect(known(await source.obtain(known))).toBe(true);

    clock.advanceSeconds(2 * hour);
    await faultOf(source.obtain(known));
  });

  it('does not delay tokens with a known key', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    issuer.fail('503');
    clock.advanceSeconds(601);
    await source.obtain(hasKid(kidOf(issuer)));
    issuer.fail('hang');
    const before = calls.length;
    // The next retry is allowed at once and starts; the server never answers it.
    const set = await source.obtain(hasKid(kidOf(issuer)));
    await settle();

    expect(kidsOf(set)).toEqual([kidOf(issuer)]);
    expect(calls).toHaveLength(before + 1);
  });

  it('is called about every 12 seconds, regardless of the number of tokens', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    issuer.fail('503');
    clock.advanceSeconds(601);
    const began = calls.length;
    for (let second = 0; second < hour; second += 1) {
      await source.obtain(hasKid(kidOf(issuer)));
      // Waits for a retry that may have started, so that each second sees the end of it.
      await faultOf(source.obtain(hasKid('made-up')));
      clock.advanceSeconds(1);
    }

    // Two at once, four while the delay doubles (18.75 s with 20 % of jitter), then one in 9.6 to 14.4 s.
    expect(calls.length - began).toBeGreaterThanOrEqual(6 + Math.floor((hour - 24) / 15.4));
    expect(calls.length - began).toBeLessThanOrEqual(6 + Math.ceil((hour - 15) / 9.6));
  });

  it('is noticed at the first unknown key outside of the cooldown', async () => {
    const { source, issuer, clock } = await openWarmIssuer();
    expect(kidsOf(await source.obtain(hasKid('made-up')))).toEqual([kidOf(issuer)]);
    issuer.fail('503');
    clock.advanceSeconds(10);
    await faultOf(source.obtain(hasKid('made-up')));
  });

  it('is not noticed within the cooldown of ten seconds, in which an unknown key is refused', async () => {
    const { source, issuer, clock } = await openWarmIssuer();
    for (let at = 0; at < 3; at += 1) await source.obtain(hasKid('made-up'));
    issuer.fail('503');
    expect(kidsOf(await source.obtain(hasKid('made-up')))).toEqual([kidOf(issuer)]);
    clock.advanceSeconds(9.999);
    expect(kidsOf(await source.obtain(hasKid('made-up')))).toEqual([kidOf(issuer)]);
    clock.advanceSeconds(0.001);
    await faultOf(source.obtain(hasKid('made-up')));
  });

  it('is called for an unknown key once it answers again, and the key is then refused', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    const wanted = hasKid('made-up');
    issuer.fail('503');
    await faultOf(source.obtain(wanted));
    issuer.recover();
    const before = calls.length;

    expect(wanted(await source.obtain(wanted))).toBe(false);
    for (let again = 0; again < 5; again += 1) await source.obtain(wanted);
    expect(calls).toHaveLength(before + 3);
    clock.advanceSeconds(1);
    expect(source.current()).not.toBeNull();
  });

  it('finds a key that was added during the outage', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    issuer.fail('503');
    await issuer.rotateKeys({ keepOld: false });
    const wanted = hasKid(kidOf(issuer));
    await faultOf(source.obtain(wanted));
    await faultOf(source.obtain(wanted));
    issuer.recover();
    clock.advanceSeconds(1.5);

    expect(wanted(await source.obtain(wanted))).toBe(true);
  });

  it('is reported once at its start, with the consequence, and once at its end', async () => {
    const { source, clock, events, issuer } = await openWarmIssuer();
    const known = hasKid(kidOf(issuer));
    for (const round of [0, 1]) {
      issuer.fail('garbage');
      for (let attempt = 0; attempt < 5; attempt += 1) {
        clock.advanceSeconds(700);
        await source.obtain(known);
        await settle();
        await expect.poll(() => events.length).toBe(2 * round + 1);
      }
      issuer.recover();
      clock.advanceSeconds(700);
      source.current();
      await source.obtain(known);
      await expect.poll(() => events.length).toBe(2 * round + 2);
    }

    const usableUntil = '2026-01-02T00:10:00.000Z';
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended', 'outage-began', 'outage-ended']);
    expect(events[0]).toMatchObject({
      problem: `${new URL(issuer.url).host} answered with something that is not JSON`,
      consequence: `The known keys stay in use until ${usableUntil} at the latest`,
    });
    expect(events[1]).toMatchObject({ lastedSeconds: 3_500 });
  });
});

describe('after a period without requests', () => {
  it('longer than their lifetime, keys are used until the server has answered, and a withdrawn key is dropped then', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer({ keyDelayMs: 20 });
    const withdrawn = kidOf(issuer);
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(8 * hour);
    expect(kidsOf(await source.obtain(hasKid(withdrawn)))).toEqual([withdrawn]);

    expect(kidsOf(await renewed(source))).toEqual([kidOf(issuer)]);
    expect(calls).toHaveLength(2);
  });

  it('longer than their lifetime, a new key is found by the refresh that it causes', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer({ keyDelayMs: 20 });
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(8 * hour);

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toEqual([kidOf(issuer)]);
    expect(calls).toHaveLength(2);
  });

  it('longer than they may be used, keys are not used', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    const withdrawn = kidOf(issuer);
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(24 * hour + 600);
    expect(source.current()).toBeNull();

    const keys = await source.obtain(hasKid(withdrawn));
    expect(kidsOf(keys)).toEqual([kidOf(issuer)]);
  });

  it('shorter than their lifetime, keys are used at once', async () => {
    const { source, clock } = await openWarmIssuer();
    clock.advanceSeconds(599);

    expect(source.current()).not.toBeNull();
  });
});
