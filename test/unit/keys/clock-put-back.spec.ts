/** A clock that was an hour ahead, until it was set back. */
import { describe, expect, it } from 'vitest';
import { faultOf, hasKid, kidOf, kidsOf, openIssuer, openWarmIssuer } from './opened-source.js';

const hourBack = -3_600;

describe('after the clock was set back', () => {
  it('keys are not kept for as long as it had been wrong', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(hourBack);
    source.current();

    await expect.poll(() => kidsOf(source.current())).toEqual([kidOf(issuer)]);
  });

  it('keys are not used longer in an outage than if they had been fetched now', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    clock.advanceSeconds(30 * 24 * -hourBack);
    await source.refresh();
    issuer.fail('503');
    clock.advanceSeconds(30 * 24 * hourBack);
    expect(source.state()).toMatchObject({ status: 'fresh', ageSeconds: 0 });
    clock.advanceSeconds(24 * -hourBack);
    expect(source.current()).not.toBeNull();
    clock.advanceSeconds(600);

    expect(source.current()).toBeNull();
  });

  it('a server that had failed is called again', async () => {
    const { source, clock, issuer } = await openIssuer();
    issuer.fail('503');
    for (let failure = 0; failure < 3; failure += 1) await faultOf(source.refresh());
    issuer.recover();
    clock.advanceSeconds(hourBack);

    expect(kidsOf(await source.obtain(() => true))).toEqual([kidOf(issuer)]);
  });

  it('a new key is fetched, although the cooldown of unknown keys was active', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    await source.obtain(hasKid('made-up'));
    await source.obtain(hasKid('made-up'));
    clock.advanceSeconds(hourBack);
    await source.refresh();
    await issuer.rotateKeys({ keepOld: true });

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toContain(kidOf(issuer));
  });
});
