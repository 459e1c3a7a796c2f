import { beforeEach, describe, expect, it } from 'vitest';
import { AuthUnavailableError, ConfigurationError } from '../../../src/errors/auth-error.js';
import { MemoryRevocationStore } from '../../../src/revocation/memory-revocation-store.js';
import { RevocationService } from '../../../src/revocation/revocation.service.js';
import { ManualClock } from '../../support/manual-clock.js';
import { issuer, openRevocation, type OpenedRevocation, tokenOf } from './opened-revocation.js';
import { FaultyStore } from './stores.js';

const revoked = 'INVALID_TOKEN revoked';
const expiresAt = (clock: ManualClock): Date => new Date(clock.now().getTime() + 600_000);
const secondsOf = (clock: ManualClock): number => Math.floor(clock.now().getTime() / 1_000);

describe('RevocationService', () => {
  let clock: ManualClock;
  let opened: OpenedRevocation;

  beforeEach(async () => {
    clock = new ManualClock();
    opened = openRevocation(null, { clock });
    await opened.service.onApplicationBootstrap();
  });

  it('revokes one token', async () => {
    await opened.service.revokeToken({ issuer, id: 'j1', expiresAt: expiresAt(clock) });
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { jti: 'j2' }))).toBe('passed');
    expect(opened.judge(tokenOf(clock, { jti: undefined }))).toBe('passed');
  });

  it('revokes a session, also its tokens of the same second and later, and no other session', async () => {
    await opened.service.revokeSession({ issuer, sessionId: 's1' });
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { sid: 's2' }))).toBe('passed');
    clock.advanceSeconds(100);
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
  });

  it.each([
    ['user', 'revokeUser', 'userId', 'alice', { sub: 'bob' }],
    ['client', 'revokeClient', 'clientId', 'web', { client_id: 'app' }],
  ] as const)('revokes the tokens of a %s until now', async (_, method, id, value, other) => {
    clock.advanceSeconds(0.4);
    await opened.service[method]({ issuer, [id]: value } as never);
    const now = secondsOf(clock);
    expect(opened.judge(tokenOf(clock, { iat: now - 1 }))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { iat: now }))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { iat: now + 0.9 }))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { iat: undefined }))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { iat: now + 1 }))).toBe('passed');
    expect(opened.judge(tokenOf(clock, other))).toBe('passed');
  });

  it('revokes the tokens of a user until another moment', async () => {
    const now = secondsOf(clock);
    await opened.service.revokeUser({ issuer, userId: 'alice', before: new Date((now - 60) * 1_000 + 999) });
    expect(opened.judge(tokenOf(clock, { iat: now - 60 }))).toBe(revoked);
    expect(opened.judge(tokenOf(clock, { iat: now - 59 }))).toBe('passed');
    await opened.service.revokeUser({ issuer, userId: 'alice', before: new Date((now + 60) * 1_000) });
    expect(opened.judge(tokenOf(clock, { iat: now + 60 }))).toBe(revoked);
    // An earlier moment takes nothing back.
    await opened.service.revokeUser({ issuer, userId: 'alice', before: new Date(0) });
    expect(opened.judge(tokenOf(clock, { iat: now + 60 }))).toBe(revoked);
  });

  it('keeps an entry until every token that it concerns has expired, the tolerance of 5 s included', async () => {
    const start = secondsOf(clock);
    const { service } = opened;
    await service.revokeToken({ issuer, id: 'j1', expiresAt: expiresAt(clock) });
    await service.revokeSession({ issuer, sessionId: 's1' });
    await service.revokeUser({ issuer, userId: 'alice', before: new Date((start - 1_000) * 1_000) });
    expect(service.state()).toMatchObject({ entries: 3, readAt: null, available: true });
    const old = { iat: start - 2_000, exp: start + 90_000 };
    const judge = (only: object) => opened.judge(tokenOf(clock, { jti: 'j', sid: 's', sub: 'u', ...old, ...only }));

    clock.advanceSeconds(604);
    expect(judge({ jti: 'j1' })).toBe(revoked);
    clock.advanceSeconds(1);
    expect(judge({ jti: 'j1' })).toBe('passed');
    opened.timer.ring();
    expect(service.state().entries).toBe(2);

    clock.advanceSeconds(86_400 - 1_000 + 5 - 605 - 1);
    expect(judge({ sub: 'alice' })).toBe(revoked);
    clock.advanceSeconds(1);
    expect(judge({ sub: 'alice' })).toBe('passed');

    clock.advanceSeconds(999);
    expect(judge({ sid: 's1' })).toBe(revoked);
    clock.advanceSeconds(1);
    expect(judge({ sid: 's1' })).toBe('passed');
    opened.timer.ring();
    expect(service.state().entries).toBe(0);
  });

  it('stores nothing about what has expired already', async () => {
    const { service } = opened;
    const long = new Date(clock.now().getTime() - 200_000_000);
    await service.revokeToken({ issuer, id: 'j1', expiresAt: long });
    await service.revokeUser({ issuer, userId: 'alice', before: long });
    expect(service.state().entries).toBe(0);
  });

  it('warns once when tokens live longer than revocations', () => {
    const now = secondsOf(clock);
    for (let time = 0; time < 2; time += 1) {
      expect(opened.judge(tokenOf(clock, { iat: now, exp: now + 86_401 }))).toBe('passed');
    }
    opened.judge(tokenOf(clock, { iat: now, exp: now + 86_400 }));
    expect(opened.events.map(({ type }) => type)).toEqual(['misconfigured']);
    expect(opened.events[0]).toHaveProperty('problem', expect.stringContaining('longestTokenSeconds: 86400'));
  });

  it.each([
    ['revokeToken', { id: 'j1', expiresAt: new Date() }, 'revokeToken({ issuer })'],
    ['revokeToken', { issuer: `${issuer}/`, id: 'j1', expiresAt: new Date() }, 'revokeToken({ issuer })'],
    ['revokeToken', { issuer, id: '', expiresAt: new Date() }, 'revokeToken({ id })'],
    ['revokeToken', { issuer, id: 'j1' }, 'revokeToken({ expiresAt })'],
    ['revokeToken', { issuer, id: 'j1', expiresAt: Date.now() }, 'revokeToken({ expiresAt })'],
    ['revokeToken', { issuer, id: 'j1', expiresAt: new Date(Number.NaN) }, 'revokeToken({ expiresAt })'],
    ['revokeToken', { issuer, id: 'j1', expiresAt: new Date(), before: new Date() }, 'revokeToken({ before })'],
    ['revokeSession', { issuer, sessionId: null }, 'revokeSession({ sessionId })'],
    ['revokeSession', { issuer }, 'revokeSession({ sessionId })'],
    ['revokeUser', { issuer, userId: 7 }, 'revokeUser({ userId })'],
    ['revokeUser', { issuer, userId: 'alice', before: 'yesterday' }, 'revokeUser({ before })'],
    ['revokeUser', { issuer, userId: 'alice', before: new Date(-1) }, 'revokeUser({ before })'],
    ['revokeUser', { issuer, userId: 'alice', before: new Date(8.64e15) }, 'revokeUser({ before })'],
    ['revokeClient', { issuer, clientId: ' ' }, 'revokeClient({ clientId })'],
    ['revokeClient', undefined, 'revokeClient'],
  ] as const)('%s(%j) is wrong: %s', async (method, given, path) => {
    const error: unknown = await opened.service[method](given as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).path).toBe(`RevocationService.${path}`);
    expect(opened.service.state().entries).toBe(0);
  });

  it('names the option where revocation is off', async () => {
    const off = new RevocationService({ on: null, clock, issuers: [issuer], toleranceSeconds: 0 });
    const calls = [
      off.revokeToken({ issuer, id: 'j1', expiresAt: expiresAt(clock) }),
      off.revokeSession({ issuer, sessionId: 's1' }),
      off.revokeUser({ issuer, userId: 'alice' }),
      off.revokeClient({ issuer, clientId: 'web' }),
    ];
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({
        code: 'CONFIGURATION_ERROR',
        path: 'AuthModule.forRoot({ revocation })',
      });
    }
    expect(() => off.state()).toThrow(ConfigurationError);
    await off.onApplicationBootstrap();
    off.onModuleDestroy();
  });
});

describe('RevocationService over a store', () => {
  it('holds here at once, before the store has answered', async () => {
    const clock = new ManualClock();
    const store = new MemoryRevocationStore(clock);
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    const { version } = opened.check;
    const done = opened.service.revokeSession({ issuer, sessionId: 's1' });
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
    expect(opened.check.version).not.toBe(version);
    await done;
    expect((await store.snapshot()).entries).toMatchObject([{ kind: 'session', issuer, value: 's1' }]);
  });

  it('answers 503 when the store does not take it, and holds it here all the same', async () => {
    const store = new FaultyStore();
    const clock = new ManualClock();
    const opened = openRevocation(store, { clock });
    await opened.feed.start();
    store.state = 'down';
    const error: unknown = await opened.service
      .revokeSession({ issuer, sessionId: 's1' })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AuthUnavailableError);
    const { code, message, explanation, retryAfterSeconds } = error as AuthUnavailableError;
    expect({ code, retryAfterSeconds }).toEqual({ code: 'SERVER_ERROR', retryAfterSeconds: 2 });
    expect(message + explanation).not.toContain('secret');
    expect(opened.judge(tokenOf(clock))).toBe(revoked);
  });
});
