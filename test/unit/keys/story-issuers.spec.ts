/** Several issuers, several addresses of one, and keys to start with. */
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

async function judge({ verifier }: OpenedVerifier, issuer: TestIssuer, header = {}): Promise<string> {
  return outcomeOf(verifier.verify(await issuer.token({ aud: 'api' }, { expiresIn: '3d', header })));
}

describe('two issuers, one of them down', () => {
  it.each(['cold', 'warm'])('do not feel each other: %s', async (start) => {
    const clock = new ManualClock();
    const [well, ill] = [await openSide(clock), await openSide(clock)];
    const opened = openVerifier(
      [jwtIssuer(trust(well.issuer, well.endpoint.jwksUri)), jwtIssuer(trust(ill.issuer, ill.endpoint.jwksUri))],
      { clock, timeoutMs: 500 },
    );
    if (start === 'warm') await judge(opened, ill.issuer);
    const before = ill.endpoint.reached;
    ill.endpoint.fail('hang');
    clock.advanceSeconds(25 * hour);
    const waiting = judge(opened, ill.issuer);
    for (let time = 0; time < 20; time += 1) expect(await judge(opened, well.issuer)).toBe('accepted');

    expect(await waiting).toBe('SERVER_ERROR');
    expect(await judge(opened, well.issuer)).toBe('accepted');
    expect([well.endpoint.reached, ill.endpoint.reached - before]).toEqual([1, 1]);
    expect(opened.events).toMatchObject([{ type: 'outage-began', what: `the keys of ${ill.endpoint.jwksUri}` }]);
  });

  it('have a cooldown for unknown keys each: strangers at one do not delay a rotation of the other', async () => {
    const clock = new ManualClock();
    const [one, other] = [await openSide(clock), await openSide(clock)];
    const opened = openVerifier(
      [jwtIssuer(trust(one.issuer, one.endpoint.jwksUri)), jwtIssuer(trust(other.issuer, other.endpoint.jwksUri))],
      { clock },
    );
    expect(await judge(opened, other.issuer)).toBe('accepted');
    for (let time = 0; time < 20; time += 1) {
      expect(await judge(opened, one.issuer, { kid: `made-up-${time}` })).toBe('INVALID_TOKEN key');
    }
    await other.issuer.rotateKeys({ keepOld: true });
    other.endpoint.shown = other.issuer.jwks;

    expect(await judge(opened, other.issuer)).toBe('accepted');
    expect([one.endpoint.reached, other.endpoint.reached]).toEqual([1, 2]);
  });
});

/** A server that takes its time: a thousand who ask at once have all asked before it has answered. */
async function slowly(url: string, init: RequestInit): Promise<Response> {
  await setTimeout(200);
  return fetch(url, init);
}

describe('a thousand first requests', () => {
  it('make one discovery and one key fetch', async () => {
    const issuer = await startIssuer();
    const opened = openVerifier(oidc({ issuer: issuer.url, audience: 'api' }), { fetch: slowly });
    const token = await issuer.token({ aud: 'api' });
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, () => outcomeOf(opened.verifier.verify(token))));

    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(issuer.requests).toMatchObject({ discovery: 1, jwks: 1, total: 2 });
  });

  it.each(['discovery', 'jwks'] as const)('fail by one call where %s is down', async (only) => {
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
  it.each(keyTroubles)('are tried in order, at each refresh from the first one on: %s', async (trouble) => {
    const clock = new ManualClock();
    const { issuer, endpoint: first } = await openSide(clock);
    const second = await KeyEndpoint.open(issuer.jwks);
    const opened = openVerifier(jwtIssuer(trust(issuer, [first.jwksUri, second.jwksUri])), { clock, timeoutMs: 500 });
    const { keys } = opened.issuers.get(issuer.url);
    first.fail(trouble);
    expect(await judge(opened, issuer)).toBe('accepted');
    expect([first.reached, second.reached]).toEqual([1, 1]);

    first.recover();
    await keys.refresh();
    expect([first.reached, second.reached]).toEqual([2, 1]);
    second.fail(trouble);
    await keys.refresh();
    expect([first.reached, second.reached]).toEqual([3, 1]);
    // One address that answers is no outage.
    expect(opened.events).toEqual([]);
  });

  it('are an outage together, which is told in the words of the first', async () => {
    const clock = new ManualClock();
    const { issuer, endpoint: first } = await openSide(clock);
    const second = await KeyEndpoint.open(issuer.jwks);
    const opened = openVerifier(jwtIssuer(trust(issuer, [first.jwksUri, second.jwksUri])), { clock });
    first.fail('503');
    second.fail('garbage');

    expect(await judge(opened, issuer)).toBe('SERVER_ERROR');
    expect([first.reached, second.reached]).toEqual([1, 1]);
    const problem = `${new URL(first.jwksUri).host} answered with status 503`;
    expect(opened.events).toMatchObject([{ type: 'outage-began', problem }]);
  });
});

describe('keys to start with (initialKeys)', () => {
  const beginWithKeys = (): Promise<KeyStory> => KeyStory.begin(({ jwks }) => ({ initialKeys: jwks }));

  it.each(keyTroubles)('serve without network, as long as fetched ones would: %s', async (trouble) => {
    const story = await beginWithKeys();
    story.endpoint.fail(trouble);
    expect(await story.judgeNew()).toBe('accepted');
    await expect.poll(() => story.eventTypes()).toEqual(['outage-began']);
    story.clock.advanceSeconds(24 * hour + 599);
    expect(await story.judgeNew()).toBe('accepted');
    story.clock.advanceSeconds(1);

    expect(await story.judgeNew()).toBe('SERVER_ERROR');
  });

  it('call anonymousCaller before the first token, and give way to what the issuer says then', async () => {
    const story = await beginWithKeys();
    const withdrawn = await story.token();
    await story.rotate({ keepOld: false });
    expect(story.endpoint.reached).toBe(0);
    // The issuer is asked behind this one, which is judged by what is there.
    expect(await story.judge(withdrawn)).toBe('accepted');

    await expect.poll(() => story.judge(withdrawn)).toBe('INVALID_TOKEN key');
    expect(await story.judgeNew()).toBe('accepted');
  });

  it('that are of yesterday keep out anonymousCaller who has a newer key', async () => {
    const story = await beginWithKeys();
    await story.rotate({ keepOld: false });
    expect(await story.judgeNew()).toBe('accepted');
    expect(story.endpoint.reached).toBe(1);
  });
});
