import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { SessionStatusSource } from '../token/trusted-issuer.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { SessionStore } from './session-store.js';

export interface SessionStatusParts {
  readonly findStore: () => SessionStore;
  readonly clock: Clock;
  /** How long an answer is believed, in milliseconds. */
  readonly believedMs: number;
}

/** Tells until when a connection may stay open whose own access token has expired: as long as its session lives. */
export class SessionStatus implements SessionStatusSource {
  constructor(private readonly parts: SessionStatusParts) {}

  async stillActive({ claims }: VerifiedToken): Promise<Date | null> {
    const { findStore, clock, believedMs } = this.parts;
    const { sid } = claims;
    const session = typeof sid === 'string' ? await findStore().find(sid) : null;
    if (session === null || session.endedAt !== null) return null;
    const now = readMilliseconds(clock);
    const expiresAt = Math.min(session.idleExpiresAt.getTime(), session.absoluteExpiresAt.getTime());
    return expiresAt > now ? new Date(Math.min(expiresAt, now + believedMs)) : null;
  }
}
