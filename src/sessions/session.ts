import { isThenable } from '../token/maybe-promise.js';
import type { StoredSession, TokenDelivery } from './session-store.js';

/** A session of a user, with its current tokens. The refresh token alone gives access to the session, so keep it out of logs. */
export interface Session {
  /** As in the claim `sid` of its access tokens. */
  readonly id: string;
  readonly userId: string;
  readonly accessToken: string;
  /** Seconds for which the access token was valid when it was issued. */
  readonly expiresIn: number;
  /** When the access token expires. */
  readonly expiresAt: Date;
  readonly refreshToken: string;
  readonly tokenType: 'Bearer';
}

/** The body of an answer that delivers tokens in cookies. */
export interface CookieTokenAnswer {
  readonly user: object;
  /** Seconds until the access token expires. */
  readonly expires_in: number;
  readonly is_new_user: boolean;
}

/** The body of an answer that delivers tokens in the body (RFC 6749 §5.1). */
export interface BodyTokenAnswer extends CookieTokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly refresh_token: string;
}

export type TokenAnswer = CookieTokenAnswer | BodyTokenAnswer;

/** What is needed to deliver a session, and is no part of its public form. */
export interface SessionDetails {
  /** `user` of the answer. */
  readonly user: object;
  readonly idleExpiresAt: Date;
  readonly remember: boolean;
  /** What the client chose when the session began. */
  readonly delivery: TokenDelivery | null;
  readonly isNewUser: boolean;
}

/** A session that `SessionService` has started or refreshed. Its details are private, so that a log does not show them. */
export class IssuedSession implements Session {
  readonly tokenType = 'Bearer';
  readonly #details: SessionDetails;

  constructor(
    readonly id: string,
    readonly userId: string,
    readonly accessToken: string,
    readonly expiresIn: number,
    readonly expiresAt: Date,
    readonly refreshToken: string,
    details: SessionDetails,
  ) {
    this.#details = details;
  }

  /** @throws {TypeError} for a copy of a session, and for a promise of one. */
  static detailsOf(session: Session): SessionDetails {
    if (#details in session) return session.#details;
    if (isThenable(session)) {
      throw new TypeError('A session is expected, and a promise was given. Write await before start or refresh');
    }
    throw new TypeError('A session that SessionService has started or refreshed is expected, not a copy of it');
  }
}

/** A session in the list of its user's sessions. */
export interface SessionItem {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  /** When it ends if it is not used until then. */
  readonly expiresAt: Date;
  readonly userAgent: string | null;
  readonly ipAddress: string | null;
  /** How the user signed in (RFC 8176). */
  readonly amr: readonly string[];
  /** Whether it is the session of the caller. */
  readonly current: boolean;
}

/** @param currentSessionId the session of the caller */
export function toSessionItem(session: StoredSession, currentSessionId: string | undefined): SessionItem {
  const { id, createdAt, lastUsedAt, idleExpiresAt: expiresAt, userAgent, ipAddress, amr } = session;
  return { id, createdAt, lastUsedAt, expiresAt, userAgent, ipAddress, amr, current: id === currentSessionId };
}
