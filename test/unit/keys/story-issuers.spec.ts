/** Several issuers, several addresses of one issuer, and initial keys. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { jwtIssuer, type JwtIssuerOptions } from '../../../src/issuers/jwt-issuer.js';
import { oidc } from '../../../src/issuers/oidc.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { KeyEndpoint, keyTroubles } from '../../support/key-endpoint.js';
import { type OpenedVerifier, openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';
import { hour, KeyStory } from './key-story.js';

interface Side {
  readonly issuer: TestIssuer;
  readonly endpoint: KeyEndpoint;
}

async function openSide(clock: ManualClock): Promise<Side> {
  const issuer = await startIssuer({ clock });
  return { issuer, endpoint: await KeyEndpoint.open(issuer.jwks) };
}

function trust(issuer: TestIssuer, jwksUri: string | readonly string[]): JwtIssuerOptions {
  return { issuer: issuer.url, audience: 'api', jwksUri };
}

async function verifyToken({ verifier }: OpenedVerifier, issuer: TestIssuer, header = {}): Promise<string> {
  return outcomeOf(verifier.verify(await issuer.token({ aud: 'api' }, { expiresIn: '3d', header })));
}

describe('two issuers, one of them down', () => {
  it.each(['cold', 'warm'])('do not affect each other: %s', async (start) => {
    const clock = new ManualClock();
    const [well, ill] = [await openSide(clock), await openSide(clock)];
    const opened = openVerifier(
      [jwtIssuer(trust(well.issuer, well.endpoint.jwksUri)), jwtIssuer(trust(ill.issuer, ill.endpoint.jwksUri))],
      { clock, timeoutMs: 500 },
    );
    if (start === 'warm') await verifyToken(opened, ill.issuer);
    const before = ill.endpoint.reached;
    ill.endpoint.fail('hang');
    clock.advanceSeconds(25 * hour);
    const waiting = verifyToken(opened, ill.issuer);
    for (let time = 0; time < 20; time += 1) expect(await verifyToken(opened, well.issuer)).toBe('accepted');

    expect(await waiting).toBe('SERVER_ERROR');
    expect(await verifyToken(opened, well.issuer)).toBe('accepted');
    expect([well.endpoint.reached, ill.endpoint.reached - before]).toEqual([1, 1]);
    expect(opened.events).toMatchObject([{ type: 'outage-began', what: `the keys of ${ill.endpoint.jwksUri}` }]);
  });

  it('have separate cooldowns: unknown keys of one do not delay a rotation of the other', async () => {
    const clock = new ManualClock();
    const [one, other] = [await openSide(clock), await openSide(clock)];
    const opened = openVerifier(
      [jwtIssuer(trust(one.issuer, one.endpoint.jwksUri)), jwtIssuer(trust(other.issuer, other.endpoint.jwksUri))],
      { clock },
    );
    expect(await verifyToken(opened, other.issuer)).toBe('accepted');
    for (let time = 0; time < 20; time += 1) {
      expect(await verifyToken(opened, one.issuer, { kid: `made-up-${time}` })).toBe('INVALID_TOKEN key');
    }
    await other.issuer.rotateKeys({ keepOld: true });
    other.endpoint.shown = other.issuer.jwks;

    expect(await verifyToken(opened, other.issuer)).toBe('accepted');
    expect([one.endpoint.reached, other.endpoint.reached]).toEqual([3, 2]);
  });
});

/** A slow server: a thousand concurrent requests have all started before it answers. */
async function slowly(url: string, init: RequestInit): Promise<Response> {
  await setTimeout(200);
  return fetch(url, init);
}

describe('a thousand concurrent first requests', () => {
  it('cause one discovery and one key fetch', async () => {
    const issuer = await startIssuer();
    const opened = openVerifier(oidc({ issuer: issuer.url, audience: 'api' }), { fetch: slowly });
    const token = await issuer.token({ aud: 'api' });
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, () => outcomeOf(opened.verifier.verify(token))));

    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(issuer.requests).toMatchObject({ discovery: 1, jwks: 1, total: 2 });
  });

  it.each(['discovery', 'jwks'] as const)('fail by one call when %s is down', async (only) => {
    const issuer = await startIssuer();
    issuer.fail('503', { only });
    const opened = openVerifier(oidc({ issuer: issuer.url, audience: 'api' }), { fetch: slowly });
    const token = await issuer.token({ aud: 'api' });
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, () => outcomeOf(opened.verifier.verify(token))));

    expect(new Set(outcomes)).toEqual(new Set(['SERVER_ERROR']));
    expect(issuer.requests[only]).toBe(1);
    expect(issuer.requests.discovery).toBe(1);
  });
});

describe('several addresses of one key set', () => {
  it.each(keyTroubles)('are tried in order, from the first one at each refresh: %s', async (trouble) => {
    const clock = new ManualClock();
    const { issuer, endpoint: first } = await openSide(clock);
    const second = await KeyEndpoint.open(issuer.jwks);
    const opened = openVerifier(jwtIssuer(trust(issuer, [first.jwksUri, second.jwksUri])), { clock, timeoutMs: 500 });
    const { keys } = opened.issuers.get(issuer.url);
    first.fail(trouble);
    expect(await verifyToken(opened, issuer)).toBe('accepted');
    expect([first.reached, second.reached]).toEqual([1, 1]);

    first.recover();
    await keys.refresh();
    expect([first.reached, second.reached]).toEqual([2, 1]);
    second.fail(trouble);
    await keys.refresh();
    expect([first.reached, second.reached]).toEqual([3, 1]);
    // A fetch that succeeds at another address is not an outage.
    expect(opened.events).toEqual([]);
  });

  it('fail together as one outage, which reports the failure of the first address', async () => {
    const clock = new ManualClock();
    const { issuer, endpoint: first } = await openSide(clock);
    const second = await KeyEndpoint.open(issuer.jwks);
    const opened = openVerifier(jwtIssuer(trust(issuer, [first.jwksUri, second.jwksUri])), { clock });
    first.fail('503');
    second.fail('garbage');

    expect(await verifyToken(opened, issuer)).toBe('SERVER_ERROR');
    expect([first.reached, second.reached]).toEqual([1, 1]);
    const problem = `${new URL(first.jwksUri).host} answered with status 503`;
    expect(opened.events).toMatchObject([{ type: 'outage-began', problem }]);
  });
});

describe('initial keys (initialKeys)', () => {
  const beginWithKeys = (): Promise<KeyStory> => KeyStory.begin(({ jwks }) => ({ initialKeys: jwks }));

  it.each(keyTroubles)('are used without network, for as long as fetched keys would be: %s', async (trouble) => {
    const story = await beginWithKeys();
    story.endpoint.fail(trouble);
    expect(await story.verifyNew()).toBe('accepted');
    await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);
    story.clock.advanceSeconds(24 * hour + 599);
    expect(await story.verifyNew()).toBe('accepted');
    story.clock.advanceSeconds(1);

    expect(await story.verifyNew()).toBe('SERVER_ERROR');
  });

  it("cause no call before the first token, and are replaced by the issuer's keys then", async () => {
    const story = await beginWithKeys();
    const withdrawn = await story.token();
    await story.rotate({ keepOld: false });
    expect(story.endpoint.reached).toBe(0);
    // The refresh runs in the background, and this token is verified with the initial keys.
    expect(await story.verify(withdrawn)).toBe('accepted');

    await expect.poll(() => story.verify(withdrawn)).toBe('INVALID_TOKEN key');
    expect(await story.verifyNew()).toBe('accepted');
  });

  it('that are outdated do not exclude users with a newer key', async () => {
    const story = await beginWithKeys();
    await story.rotate({ keepOld: false });
    expect(await story.verifyNew()).toBe('accepted');
    expect(story.endpoint.reached).toBe(1);
  });
});
