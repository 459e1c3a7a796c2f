/** The key server is down and recovers: no user is signed out, and nothing needs a restart. */
import { IssuerKeys, KeyHealth } from 'nest-gatehouse';
import type { IssuerFault } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { type Platform, platforms } from '../support/app.js';
import { type KeyApp, startKeyApp } from '../support/key-app.js';
import { invalidToken, unavailable, verdictOf } from '../support/verdicts.js';

/** All that an issuer can be told to do wrong. */
const faults = [
  '503',
  'hang',
  'reset',
  'garbage',
  'html',
  'empty',
  'redirect',
  'drip',
  'oversize',
] as const satisfies readonly IssuerFault[];

/** Every request looks for its key, as if it were the first of its token. */
const options = { http: { timeoutMs: 500 }, verifiedTokenCache: false } as const;

function begin(platform: Platform, fault?: IssuerFault): Promise<KeyApp> {
  return startKeyApp(platform, { options, ...(fault !== undefined && { fault }) });
}

const week = { expiresIn: '7d' } as const;

describe.each(platforms)('an outage of the key server on $name', (platform) => {
  it.each(faults)(
    'does not prevent the start of an app, causes 503 with Retry-After, and ends without a request: %s',
    async (fault) => {
      const { issuer, app, clock } = await begin(platform, fault);
      const token = await issuer.token({ aud: 'api', sub: 'alice' });
      for (let at = 0; at < 3; at += 1) {
        const answer = await app.call('/me', { token });
        expect(verdictOf(answer)).toEqual(unavailable);
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      issuer.recover();
      clock.advanceSeconds(60);
      expect((await app.call('/me', { token })).json).toEqual({ id: 'alice' });
    },
  );

  it.each(faults)('does not affect or delay tokens with known keys, and is reported once: %s', async (fault) => {
    const { issuer, app, clock, log, call } = await begin(platform);
    expect((await call({ sub: 'alice' })).json).toEqual({ id: 'alice' });
    issuer.fail(fault);
    clock.advanceSeconds(601);
    const before = issuer.requests.jwks;
    // The refresh that this starts takes its time, or fails at once.
    expect((await call({ sub: 'alice' })).json).toEqual({ id: 'alice' });
    if (fault === 'hang' || fault === 'drip') expect(log.ours()).toEqual([]);
    await expect.poll(() => log.ours().map(({ level }) => level)).toEqual(['error']);
    expect(issuer.requests.jwks).toBe(before + 1);

    for (const hours of [1, 8, 14]) {
      clock.advanceSeconds(hours * 3_600);
      const answers = await Promise.all(Array.from({ length: 5 }, () => call({ sub: 'alice' })));
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    }
    issuer.recover();
    // The last try before the return may have to run out of its time first.
    await expect
      .poll(
        async () => {
          clock.advanceSeconds(60);
          expect((await call()).status).toBe(200);
          return log.ours().map(({ level }) => level);
        },
        { timeout: 5_000 },
      )
      .toEqual(['error', 'log']);
    expect(app.nest.get(KeyHealth).isHealthy()).toMatchObject({ keys: { status: 'up' } });
  });

  it('ends shortly after the recovery, without a request', async () => {
    // By the machine's clock and timers, as in production.
    const { issuer, app, call } = await startKeyApp(platform, {
      fault: '503',
      options: { ...options, clock: { now: () => new Date() } },
    });
    const status = () => app.nest.get(IssuerKeys).states().get(issuer.url)?.status;
    expect(verdictOf(await call())).toEqual(unavailable);
    expect([status(), app.nest.get(KeyHealth).isHealthy()['keys']?.status]).toEqual(['missing', 'down']);
    issuer.recover();
    await expect.poll(status, { timeout: 3_000 }).toBe('fresh');
    expect(app.nest.get(KeyHealth).isHealthy()['keys']?.status).toBe('up');

    const before = issuer.requests.total;
    const token = await issuer.token({ aud: 'api', iat: undefined, exp: Math.floor(Date.now() / 1_000) + 300 });
    expect((await app.call('/me', { token })).status).toBe(200);
    expect(issuer.requests.total).toBe(before);
  });

  it('makes clients wait until the next retry, and causes no call before it', async () => {
    const { issuer, app, clock } = await begin(platform, '503');
    const token = await issuer.token({ aud: 'api' });
    // One failure may be a blip and is tried again at once; from the second on there are pauses.
    for (let at = 0; at < 2; at += 1) await app.call('/me', { token });
    const before = issuer.requests.total;
    const answer = await app.call('/me', { token });
    expect(issuer.requests.total).toBe(before);
    clock.advanceSeconds(Number(answer.headers['retry-after']));
    issuer.recover();
    expect((await app.call('/me', { token })).status).toBe(200);
  });

  it('does not affect tokens with known keys for a day', async () => {
    const { issuer, app, clock } = await begin(platform);
    const token = await issuer.token({ aud: 'api', sub: 'alice' }, week);
    expect((await app.call('/me', { token })).status).toBe(200);
    issuer.fail('reset');
    for (let hour = 0; hour < 24; hour += 1) {
      expect((await app.call('/me', { token })).json).toEqual({ id: 'alice' });
      clock.advanceSeconds(3_600);
    }
    clock.advanceSeconds(3_600);
    const answer = await app.call('/me', { token });
    expect(verdictOf(answer)).toEqual(unavailable);
    issuer.recover();
    clock.advanceSeconds(Number(answer.headers['retry-after']));
    expect((await app.call('/me', { token })).status).toBe(200);
  });

  it('causes 503 for an unknown key, which is 401 before and after it', async () => {
    const { issuer, app, clock } = await begin(platform);
    const stranger = await issuer.token({ aud: 'api' }, { ...week, header: { kid: 'unheard-of' } });
    expect(verdictOf(await app.call('/me', { token: stranger }))).toEqual(invalidToken('key'));
    issuer.fail('503');
    clock.advanceSeconds(60);
    expect(verdictOf(await app.call('/me', { token: stranger }))).toEqual(unavailable);
    issuer.recover();
    clock.advanceSeconds(60);
    expect(verdictOf(await app.call('/me', { token: stranger }))).toEqual(invalidToken('key'));
  });

  it('is distinguished from a rotation: a new key is found at once, and a withdrawn one is refused', async () => {
    const { issuer, app, clock } = await begin(platform);
    const old = await issuer.token({ aud: 'api', sub: 'old' }, week);
    expect((await app.call('/me', { token: old })).status).toBe(200);
    await issuer.rotateKeys({ keepOld: false });
    const young = await issuer.token({ aud: 'api', sub: 'young' }, week);
    expect((await app.call('/me', { token: young })).json).toEqual({ id: 'young' });
    expect(verdictOf(await app.call('/me', { token: old }))).toEqual(invalidToken('key'));
    clock.advanceSeconds(60);
    expect(verdictOf(await app.call('/me', { token: old }))).toEqual(invalidToken('key'));
  });

  it('costs one discovery and one key fetch for 200 concurrent first requests', async () => {
    const { issuer, app } = await begin(platform);
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.call('/me', { token })));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['{"id":"alice"}']));
    expect(issuer.requests).toEqual({ discovery: 1, jwks: 1, introspection: 0, userinfo: 0, total: 2 });
  });

  it('costs one failed call for 200 concurrent first requests', async () => {
    const { issuer, app } = await begin(platform, '503');
    const token = await issuer.token({ aud: 'api' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.call('/me', { token })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    // All of them share one flight; those that come after it may start another, or wait.
    expect(issuer.requests.total).toBeLessThanOrEqual(2);
  });
});
