import { describe, expect, it } from 'vitest';
import { keysFrom } from '../../../src/issuers/remote-keys.js';
import { issuerFaults } from '../../../src/testing/issuer-fault.js';
import { closedAddress, startDocuments } from '../../support/answering-server.js';
import { ec, newRsa } from './jwk-makers.js';
import { faultOf, hasKid, kidOf, kidsOf, type OpenedSource, openIssuer, openSource } from './opened-source.js';

/** Requests a key as a token would. @returns whether that caused a call */
async function tryOnce({ source, calls }: OpenedSource): Promise<boolean> {
  const before = calls.length;
  await faultOf(source.obtain(hasKid('any')));
  return calls.length > before;
}

describe('a server that fails before its first response', () => {
  it.each(issuerFaults)('is a fault and not a refusal: %s', async (fault) => {
    const { source, issuer } = await openIssuer();
    issuer.fail(fault);
    const error = await faultOf(source.obtain(hasKid(kidOf(issuer))));

    expect(error).toMatchObject({ code: 'SERVER_ERROR', message: 'Authentication is not available at the moment' });
    expect(error.explanation).toContain(`Cannot get the keys of ${issuer.jwksUri}: `);
    expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(source.current()).toBeNull();
  });

  it.each([
    ['nothing', {}],
    ['no key', { keys: [] }],
    ['no list', { keys: {} }],
    ['null', { keys: null }],
    ['a bare list', [{ ...ec.jwk, kid: 'a' }]],
    ['keys for something else', { keys: [{ ...ec.jwk, kid: 'a', use: 'enc' }] }],
    ['a shared secret', { keys: [{ kty: 'oct', kid: 'a', k: 'c2VjcmV0' }] }],
    ['a weak key', { keys: [{ ...newRsa(1024).jwk, kid: 'a' }] }],
  ])('has also failed when its key set is unusable: %s', async (_, document) => {
    const { url } = await startDocuments({ '/keys': document });
    const { source, events } = openSource(keysFrom(`${url}/keys`));
    await faultOf(source.obtain(hasKid('a')));

    expect(events).toMatchObject([{ type: 'outage-began' }]);
  });

  it('fails all concurrent requests by one call', async () => {
    const { source, calls, issuer } = await openIssuer({ keyDelayMs: 20 });
    issuer.fail('503');
    await Promise.all(Array.from({ length: 1_000 }, () => faultOf(source.obtain(hasKid('any')))));

    expect(calls).toHaveLength(1);
  });

  it('is retried once at once, then at growing intervals', async () => {
    const opened = await openIssuer();
    const { clock, issuer } = opened;
    issuer.fail('503');
    expect([await tryOnce(opened), await tryOnce(opened)]).toEqual([true, true]);

    for (const pause of [1.25, 2.5, 5, 10, 12, 12, 12]) {
      expect(await tryOnce(opened)).toBe(false);
      clock.advanceSeconds(pause * 0.8 - 0.001);
      expect(await tryOnce(opened)).toBe(false);
      clock.advanceSeconds(pause * 0.4 + 0.002);
      expect(await tryOnce(opened)).toBe(true);
    }
  });

  it('makes the error state when the next retry is allowed', async () => {
    const { source, clock, issuer } = await openIssuer();
    const wanted = hasKid(kidOf(issuer));
    issuer.fail('503');
    expect((await faultOf(source.obtain(wanted))).retryAfterSeconds).toBe(1);
    for (let failure = 0; failure < 8; failure += 1) {
      await faultOf(source.obtain(wanted));
      clock.advanceSeconds(60);
    }
    const { retryAfterSeconds } = await faultOf(source.obtain(wanted));
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(9);
    expect(retryAfterSeconds).toBeLessThanOrEqual(15);

    clock.advanceSeconds(5.5);
    const later = await faultOf(source.obtain(wanted));
    expect(Number.isInteger(later.retryAfterSeconds)).toBe(true);
    expect([5, 6]).toContain(retryAfterSeconds - later.retryAfterSeconds);
    issuer.recover();
    clock.advanceSeconds(later.retryAfterSeconds);
    await expect(source.obtain(wanted)).resolves.toBeDefined();
  });

  it('is used as soon as it answers, at the first retry after the first failure', async () => {
    const { source, calls, issuer } = await openIssuer();
    issuer.fail('503');
    await faultOf(source.obtain(hasKid(kidOf(issuer))));
    issuer.recover();

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toEqual([kidOf(issuer)]);
    expect(calls).toHaveLength(2);
  });

  it('is reported when the outage starts and when it ends, once each, with its duration', async () => {
    const { source, clock, events, issuer } = await openIssuer();
    const what = `the keys of ${issuer.jwksUri}`;
    const wanted = hasKid(kidOf(issuer));
    issuer.fail('503');
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await faultOf(source.obtain(wanted));
      clock.advanceSeconds(60);
    }
    expect(events).toEqual([
      {
        type: 'outage-began',
        what,
        problem: `${new URL(issuer.url).host} answered with status 503`,
        consequence: 'Until it answers, tokens that need these keys are answered with 503',
      },
    ]);

    issuer.recover();
    await source.obtain(wanted);
    await source.obtain(hasKid('made-up'));
    expect(events.slice(1)).toEqual([{ type: 'outage-ended', what, lastedSeconds: 600 }]);
  });

  it('is named in the error by its address, without any of its response', async () => {
    const { url } = await startDocuments({ '/keys': { keys: 'canary', canary: 'canary' } });
    const { source, events } = openSource(keysFrom(`${url}/keys`));
    const { explanation } = await faultOf(source.obtain(hasKid('a')));

    expect(explanation).toBe(`Cannot get the keys of ${url}/keys: the response is not a key set`);
    expect(JSON.stringify(events)).not.toContain('canary');
  });

  it('may be one that does not exist', async () => {
    const { source } = openSource(keysFrom(`${await closedAddress()}/keys`));
    const { explanation } = await faultOf(source.obtain(hasKid('a')));

    expect(explanation).toMatch(/cannot be reached \(ECONNREFUSED\)$/);
  });
});
