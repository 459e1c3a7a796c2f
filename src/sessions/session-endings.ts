import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { RevocationService } from '../revocation/revocation.service.js';
import type { SessionTerms } from './session-options.js';
import type { SessionEnding, SessionEndReason, StoredSession } from './session-store.js';

export interface SessionEndingsParts {
  readonly terms: Pick<SessionTerms, 'issuer' | 'lifetimeSeconds'>;
  readonly revocation: RevocationService;
  readonly clock: Clock;
}

/** How long a revocation outlives the access tokens that it concerns, because the clocks of two instances may differ. */
const clockMarginMs = 60_000;

/** The ends of sessions, and the revocation of their access tokens. */
export class SessionEndings {
  constructor(private readonly parts: SessionEndingsParts) {}

  /** An end that happens now. */
  create(reason: SessionEndReason): SessionEnding {
    const { issuer } = this.parts.terms;
    const endedAt = readMilliseconds(this.parts.clock);
    const expiresAtSeconds = Math.ceil(this.tokensExpireAt(endedAt) / 1_000);
    return { endedAt: new Date(endedAt), reason, revocation: { issuer, expiresAtSeconds } };
  }

  /** Revokes the access tokens of sessions that have ended. */
  async revoke(ids: readonly string[], endedAt: number): Promise<void> {
    const { terms, revocation } = this.parts;
    if (ids.length === 0) return;
    const expiresAt = new Date(this.tokensExpireAt(endedAt));
    await revocation.revokeSession({ issuer: terms.issuer, sessionId: ids, expiresAt });
  }

  /**
   * Revokes the access tokens of a session that had ended before: the process that ended it may have died in between. As long as
   * one of them may be valid, the same entry is made again, which changes nothing where it exists.
   */
  async confirm(session: StoredSession | null): Promise<void> {
    const endedAt = session?.endedAt?.getTime() ?? Number.NaN;
    const now = readMilliseconds(this.parts.clock);
    if (session !== null && this.tokensExpireAt(endedAt) > now) await this.revoke([session.id], endedAt);
  }

  /** When the last access token expires that may have been issued by then, with room for the difference of clocks. */
  private tokensExpireAt(endedAt: number): number {
    return endedAt + this.parts.terms.lifetimeSeconds * 1_000 + clockMarginMs;
  }
}
