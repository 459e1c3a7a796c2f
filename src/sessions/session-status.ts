import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { SessionStatusSource } from '../token/trusted-issuer.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { SessionStore } from './session-store.js';
import { hasAuthoritiesOf, type SessionSubject } from './session-subject.js';

export interface SessionStatusParts {
  readonly findStore: () => SessionStore;
  readonly findSubject: (userId: string) => Promise<SessionSubject | null>;
  readonly clock: Clock;
  /** How long an answer is believed, in milliseconds. */
  readonly believedMs: number;
}

/**
 * Tells until when a connection may stay open whose own access token has expired: as long as its session lives, and its user has
 * the roles, scopes and claims that are in the token. The app is asked about the user as often as a client would refresh.
 */
export class SessionStatus implements SessionStatusSource {
  constructor(private readonly parts: SessionStatusParts) {}

  async stillActive({ claims }: VerifiedToken): Promise<Date | null> {
    const { findStore, findSubject, clock, believedMs } = this.parts;
    const { sid, sub } = claims;
    const session = typeof sid === 'string' ? await findStore().find(sid) : null;
    if (session === null || session.endedAt !== null || session.userId !== sub) return null;
    const now = readMilliseconds(clock);
    const expiresAt = Math.min(session.idleExpiresAt.getTime(), session.absoluteExpiresAt.getTime());
    if (expiresAt <= now) return null;
    const subject = await findSubject(session.userId);
    // With other authorities than those of the token, the client has to connect again with a new one.
    if (subject === null || !hasAuthoritiesOf(subject, claims)) return null;
    return new Date(Math.min(expiresAt, now + believedMs));
  }
}
