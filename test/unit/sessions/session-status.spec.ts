import { describe, expect, it } from 'vitest';
import { SessionStatus } from '../../../src/sessions/session-status.js';
import type { VerifiedToken } from '../../../src/token/verified-token.js';
import { openSessionStand, type SessionStand } from '../../support/session-stand.js';

const tokenOf = (sid: unknown): VerifiedToken => ({ claims: { sid } }) as unknown as VerifiedToken;

function statusOf({ store, clock }: SessionStand): SessionStatus {
  return new SessionStatus({ findStore: () => store, clock, believedMs: 600_000 });
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
});
