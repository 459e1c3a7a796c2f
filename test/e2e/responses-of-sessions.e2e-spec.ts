/** Open responses whose issuer, session or scheme is asked about them: how long they go on, and what an outage does. */
import { type Authentication, AuthUnavailableError, type Credential, defineProvider } from 'nest-gatehouse';
import { type IdentityProvider, oidc, RefusalError } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ManualClock } from '../support/manual-clock.js';
import { KeyScheme } from '../support/key-scheme.js';
import { lastEvent, OnlineController, streamPlatforms, StreamsStand } from '../support/streams-app.js';

/** Whether the session of every token is active, or unknown. An answer holds for ten minutes. */
let session: 'active' | 'ended' | 'unknown';

function withSessions({ url }: TestIssuer, clock: ManualClock): IdentityProvider {
  const { name, claimMap, issuers } = oidc({ issuer: url, audience: 'api' });
  const stillActive = async (): Promise<Date | null> => {
    if (session === 'unknown') throw new AuthUnavailableError('The store of sessions does not answer', 2);
    return session === 'active' ? new Date(clock.now().getTime() + 600_000) : null;
  };
  const sessions = { create: () => ({ stillActive }) };
  return defineProvider({ name, claimMap, issuers: issuers.map((each) => ({ ...each, sessions })) });
}

/** Keys that are accepted once. */
class OneTimeKeys extends KeyScheme {
  private readonly used = new Set<string>();

  override async authenticate(credential: Credential): Promise<Authentication> {
    if (this.used.has(credential.text)) throw RefusalError.token('revoked', 'The key was used');
    this.used.add(credential.text);
    return super.authenticate(credential);
  }
}

describe.each(streamPlatforms)('an open response of $name', (platform) => {
  beforeEach(() => {
    session = 'active';
  });

  it('goes on while the session of its token is active, and ends with it', async () => {
    const stand = await StreamsStand.start(platform, { describeIssuer: withSessions });
    const response = await stand.open('events');
    await response.untilContains('tick');
    await stand.pass(306);
    for (let minute = 0; minute < 5; minute += 1) await stand.pass(60);
    expect([stand.watched, response.text()]).toEqual([1, expect.not.stringContaining('error')]);
    session = 'ended';
    await stand.pass(600);
    expect(await response.end).toBe('complete');
    expect(response.text().endsWith(lastEvent('expired'))).toBe(true);
    await stand.untilNothingRuns();
  });

  it('goes on for a minute after its token has expired, while nothing is known of the session', async () => {
    const stand = await StreamsStand.start(platform, { describeIssuer: withSessions });
    const [events, file] = [await stand.open('events'), await stand.open('file')];
    await Promise.all([events.untilContains('tick'), file.untilContains('part')]);
    session = 'unknown';
    await stand.pass(306);
    await stand.pass(53);
    expect([stand.watched, stand.running]).toEqual([2, 2]);
    await stand.pass(1);
    expect([await events.end, await file.end]).toEqual(['complete', 'cut off']);
    expect(events.text().endsWith(lastEvent('expired'))).toBe(true);
    await stand.untilNothingRuns();
  });

  it('of @VerifyOnline() ends within a minute after the issuer has taken the token back', async () => {
    const stand = await StreamsStand.start(platform, {
      describeIssuer: ({ url, introspectionClient: introspection }) =>
        oidc({ issuer: url, audience: 'api', introspection, verify: 'local' }),
      controllers: [OnlineController],
    });
    const token = await stand.tokenOf('alice');
    const response = await stand.open('online', token);
    await response.untilContains('tick');
    await stand.pass(60);
    await vi.waitFor(() => expect(stand.issuer.requests.introspection).toBe(2));
    expect(stand.watched).toBe(1);
    stand.issuer.revoke(token);
    await stand.pass(60);
    expect(await response.end).toBe('complete');
    expect(response.text().endsWith(lastEvent('revoked'))).toBe(true);
    await stand.untilNothingRuns();
  });

  it('of a credential that is accepted once ends within a minute, and not earlier than after 51 seconds', async () => {
    const keys = new OneTimeKeys({ now: () => new Date(0) });
    const stand = await StreamsStand.start(platform, { schemes: [keys] });
    keys.add('key_once', { id: 'machine', scopes: ['read'] });
    const response = await stand.open('events', 'key_once');
    await response.untilContains('tick');
    await stand.pass(50);
    expect(stand.watched).toBe(1);
    await stand.pass(10);
    expect(await response.end).toBe('complete');
    expect(response.text().endsWith(lastEvent('revoked'))).toBe(true);
    await stand.untilNothingRuns();
  });
});
