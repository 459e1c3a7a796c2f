/** Responses that go on after their handler has returned end with their token, as sockets do. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RevocationService } from 'nest-gatehouse';
import { lastEvent, streamPlatforms, StreamsStand } from '../support/streams-app.js';

describe.each(streamPlatforms)('an open response of $name', (platform) => {
  let stand: StreamsStand;

  beforeEach(async () => {
    stand = await StreamsStand.start(platform);
  });

  it.each(['events', 'scoped', 'optional'])('of server-sent events ends with the reason: %s', async (path) => {
    const response = await stand.open(path);
    await response.untilContains('tick');
    await stand.pass(304);
    expect(stand.watched).toBe(1);
    await stand.pass(2);
    expect(await response.end).toBe('complete');
    expect(response.text().endsWith(`data: tick\n\n${lastEvent('expired')}`)).toBe(true);
    await stand.untilNothingRuns();
    response.leave();
  });

  it('of a client that was told why ends without an exception of the one who writes on', async () => {
    const response = await stand.open('raw');
    await response.untilContains('tick');
    await stand.pass(306);
    expect(await response.end).toBe('complete');
    expect(response.text().endsWith(`data: tick\n\n${lastEvent('expired')}`)).toBe(true);
    await stand.untilNothingRuns();
    response.leave();
  });

  it('of server-sent events ends in the middle of an event, which is then no message', async () => {
    const response = await stand.open('half');
    await response.untilContains('ti');
    await stand.pass(306);
    expect(await response.end).toBe('complete');
    expect(response.text()).toBe(`data: tick\n\ndata: ti${lastEvent('expired')}`);
    response.leave();
  });

  it.each(['file', 'compressed'])('of another kind is cut off: %s', async (path) => {
    const response = await stand.open(path);
    await vi.waitUntil(() => response.text() !== '');
    await stand.pass(306);
    expect(await response.end).toBe('cut off');
    expect(response.text()).not.toContain('INVALID_TOKEN');
    await stand.untilNothingRuns();
    response.leave();
  });

  it('of a client that does not read is cut off, so that its handler does not wait', async () => {
    const response = await stand.open('flood');
    response.pause();
    await stand.pass(306);
    await stand.untilNothingRuns();
    response.resume();
    expect(await response.end).toBe('cut off');
    expect(response.text()).not.toContain('INVALID_TOKEN');
    response.leave();
  });

  it.each(['user', 'token'] as const)('ends with the revocation of the %s', async (revoked) => {
    const token = await stand.tokenOf('alice', { jti: 'token-1' });
    const [events, file, other] = [
      await stand.open('events', token),
      await stand.open('file', token),
      await stand.open('events', await stand.tokenOf('bob')),
    ];
    await Promise.all([events.untilContains('tick'), file.untilContains('part'), other.untilContains('tick')]);
    const expiresAt = new Date(stand.clock.now().getTime() + 300_000);
    const revocations = stand.app.nest.get(RevocationService);
    if (revoked === 'user') await revocations.revokeUser({ issuer: stand.issuer.url, userId: 'alice' });
    else await revocations.revokeToken({ issuer: stand.issuer.url, id: 'token-1', expiresAt });
    await stand.pass(0);
    expect([await events.end, await file.end]).toEqual(['complete', 'cut off']);
    expect(events.text().endsWith(lastEvent('revoked'))).toBe(true);
    expect([stand.watched, other.text()]).toEqual([1, expect.not.stringContaining('error')]);
    other.leave();
    await stand.untilNothingRuns();
  });
});
