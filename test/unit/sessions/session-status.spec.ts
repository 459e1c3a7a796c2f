import { describe, expect, it } from 'vitest';
import { SessionStatus } from '../../../src/sessions/session-status.js';
import type { SessionSubject } from '../../../src/sessions/session-subject.js';
import type { VerifiedToken } from '../../../src/token/verified-token.js';
import { openSessionStand, type SessionStand } from '../../support/session-stand.js';

const tokenOf = (sid: unknown, more: object = {}): VerifiedToken =>
  ({ claims: { sid, sub: 'alice', ...more } }) as unknown as VerifiedToken;

function statusOf({ store, clock }: SessionStand, subject: SessionSubject | null = { id: 'alice' }): SessionStatus {
  const findSubject = async (): Promise<SessionSubject | null> => subject;
  return new SessionStatus({ findStore: () => store, findSubject, clock, believedMs: 600_000 });
}

describe('the status of a session', () => {
  it('is believed for the lifetime of a token, and never longer than the session lives', async () => {
    const stand = await openSessionStand();
    const { clock, session } = stand;
    const status = statusOf(stand);
    expect(await status.stillActive(tokenOf(session.id))).toEqual(new Date(clock.now().getTime() + 600_000));
    clock.advanceSeconds(999_900);
    expect(await status.stillActive(tokenOf(session.id))).toEqual(session.idleExpiresAt);
    clock.advanceSeconds(100);
    expect(await status.stillActive(tokenOf(session.id))).toBeNull();
  });

  it('is not active once it has ended, nor without a session', async () => {
    const stand = await openSessionStand();
    const { store, clock, session } = stand;
    const revocation = { issuer: 'joe', expiresAtSeconds: 0 };
    await store.end(session.id, { endedAt: clock.now(), reason: 'ended', revocation });
    for (const sid of [session.id, 'another', undefined, 7]) {
      expect(await statusOf(stand).stillActive(tokenOf(sid))).toBeNull();
    }
  });

  it('is not active for a token of another user', async () => {
    const stand = await openSessionStand();
    expect(await statusOf(stand).stillActive(tokenOf(stand.session.id, { sub: 'root' }))).toBeNull();
  });

  const token = { roles: ['admin'], scope: 'read write', tenant: { id: 7 } };
  const same = {
    id: 'alice',
    roles: ['admin'],
    scopes: ['read', 'write'],
    claims: { tenant: { id: 7 }, none: undefined },
  };

  it.each<[string, SessionSubject | null, object, boolean]>([
    ['the same user', same, token, true],
    ['a user with another name', { ...same, name: 'Alice', email: 'a@b.example' }, token, true],
    ['a user with nothing', { id: 'alice' }, {}, true],
    ['nobody', null, token, false],
    ['a user without the role', { ...same, roles: [] }, token, false],
    ['a user with one role more', { ...same, roles: ['admin', 'x'] }, token, false],
    ['a user without the scope', { ...same, scopes: ['read'] }, token, false],
    ['a guest', { ...same, isAnonymous: true }, token, false],
    ['a user with another claim', { ...same, claims: { tenant: { id: 8 } } }, token, false],
    ['a user without the claim', { ...same, claims: {} }, token, false],
  ])('depends on who the user is now: %s', async (_, subject, claims, isActive) => {
    const stand = await openSessionStand();
    const until = await statusOf(stand, subject).stillActive(tokenOf(stand.session.id, claims));
    expect(until !== null).toBe(isActive);
  });

  it('is not known while the app cannot say who the user is', async () => {
    const { store, clock, session } = await openSessionStand();
    const findSubject = (): Promise<null> => Promise.reject(new Error('down'));
    const status = new SessionStatus({ findStore: () => store, findSubject, clock, believedMs: 600_000 });
    await expect(status.stillActive(tokenOf(session.id))).rejects.toThrow('down');
  });
});
