/** How a client receives its tokens: in cookies, or in the body of the response. */
export type TokenDelivery = (typeof tokenDeliveries)[number];

export const tokenDeliveries = ['cookies', 'body'] as const;

/**
 * Why a session ended before its time. `signed-out`: its user signed out of it. `ended`: the app or another session of
 * the user ended it. `replaced`: its client signed in again. `reuse`: a refresh token came again after it had been
 * replaced, so it may have been stolen. `user-gone`: the app no longer knows the user. `provider-signed-out`: the provider
 * that its user signed in by has ended the login.
 */
export type SessionEndReason = 'signed-out' | 'ended' | 'replaced' | 'reuse' | 'user-gone' | 'provider-signed-out';

/** By what a session began where its user signed in elsewhere. */
export interface SessionLogin {
  /** The id of the provider. */
  readonly provider: string;
  /** The provider's id of the person. */
  readonly subject: string;
  /** The `sid` of the provider's ID token (OpenID Connect Front-Channel Logout 1.0 §3); `null` where there is none. */
  readonly sessionId: string | null;
}

/** What a provider names when it ends logins: one of its sessions, or a person. */
export type LoginReference = { readonly sessionId: string } | { readonly subject: string };

/** States that the refresh tokens up to a generation were replaced by a moment. */
export interface RefreshReplacement {
  readonly generation: number;
  readonly at: Date;
}

/** What a session is created with. */
export interface NewSession {
  /** A UUID of version 7 (RFC 9562 §5.7): sessions in the order of their ids are in the order of their creation. */
  readonly id: string;
  readonly userId: string;
  /** 16 random bytes. Refresh tokens are computed from it and from the encryption key, and are not stored. */
  readonly seed: Uint8Array;
  readonly createdAt: Date;
  /** When the user signed in (OpenID Connect Core §2 `auth_time`). */
  readonly authTime: Date;
  /** How the user signed in (RFC 8176). */
  readonly amr: readonly string[];
  /** The login at a provider that it began by; `null` for any other session. Each of its texts has at most 1,024 characters. */
  readonly login: SessionLogin | null;
  /** What the client chose; `null` where it did not choose. */
  readonly delivery: TokenDelivery | null;
  /** Whether its cookies outlive the browser. */
  readonly remember: boolean;
  readonly userAgent: string | null;
  readonly ipAddress: string | null;
  /** It ends when it is not used until then. */
  readonly idleExpiresAt: Date;
  /** It ends then in any case. */
  readonly absoluteExpiresAt: Date;
  /** When the store may delete it. Changes at most once a day, so an index on it costs few writes. */
  readonly removeAfter: Date;
}

/** A session as it is stored. */
export interface StoredSession extends NewSession {
  /** The number of the current refresh token, from 0. */
  readonly generation: number;
  /** The last replacements, newest first, at most 50. */
  readonly replacements: readonly RefreshReplacement[];
  readonly lastUsedAt: Date;
  readonly endedAt: Date | null;
  readonly endReason: SessionEndReason | null;
}

/** What replaces the current refresh token by the next one. */
export interface SessionRotation {
  /** The generation that is replaced. The stored one must still be equal to it. */
  readonly generation: number;
  readonly replacements: readonly RefreshReplacement[];
  readonly lastUsedAt: Date;
  readonly idleExpiresAt: Date;
  readonly removeAfter: Date;
}

/** The end of a session. */
export interface SessionEnding {
  readonly endedAt: Date;
  readonly reason: SessionEndReason;
  /**
   * How the session's access tokens are revoked: an entry of kind `session` with this issuer, for each session that was
   * ended. A store that keeps the revocations of the app in the same database adds it in the same transaction, so that a
   * process that dies in between leaves no valid token. Any other store ignores it: the caller adds the entry as well.
   */
  readonly revocation: { readonly issuer: string; readonly expiresAtSeconds: number };
}

/** Which of a user's sessions are listed. */
export interface SessionQuery {
  /** Sessions that expired before are left out. */
  readonly now: Date;
  /** Only sessions with a lower id; `null` from the beginning. */
  readonly beforeId: string | null;
  readonly limit: number;
}

/**
 * Where the instances of an app share the sessions of its users. `SqlStoresModule` provides one; an app that provides its
 * own under this token, in a global module, replaces it. `describeSessionStore` of `nest-gatehouse/testing` tests an
 * implementation.
 *
 * Times are those of the app's clock, never those of the database. All methods reject when the store does not answer; the
 * caller is then answered with 503.
 */
export abstract class SessionStore {
  /**
   * Adds a session with generation 0, no replacements and `lastUsedAt` = `createdAt`.
   *
   * @param replaced a session that ends in the same transaction, because its client signed in again
   */
  abstract create(
    session: NewSession,
    replaced?: { readonly id: string; readonly ending: SessionEnding },
  ): Promise<void>;

  /** The session with this id, also when it has ended or expired; `null` when there is none. Any text may be asked for. */
  abstract find(id: string): Promise<StoredSession | null>;

  /**
   * Increases the generation by one and sets the other members, if the session has exactly the given generation and has
   * not ended. One atomic step: of 100 calls at once with one generation, one gives `true`.
   */
  abstract rotate(id: string, rotation: SessionRotation): Promise<boolean>;

  /**
   * Ends a session that has not ended, in one atomic step.
   *
   * @returns whether this call ended it
   */
  abstract end(id: string, ending: SessionEnding): Promise<boolean>;

  /**
   * Ends sessions of a user that have not ended, except one, at most `limit` of them. The caller calls it again while it
   * ends that many, so that no call is long, however many sessions a user has.
   *
   * @returns the ids of those that this call ended
   */
  abstract endAll(
    userId: string,
    ending: SessionEnding,
    exceptId: string | null,
    limit: number,
  ): Promise<readonly string[]>;

  /** The sessions of a user that have neither ended nor expired, newest first: in the descending order of their ids. */
  abstract list(userId: string, query: SessionQuery): Promise<readonly StoredSession[]>;

  /**
   * The ids of sessions that began by logins of a provider and have not ended, at most `limit` of them, in any order. The caller ends them,
   * and calls it again while it gives that many. Texts are compared exactly; any text may be asked for.
   */
  abstract listByLogin(provider: string, by: LoginReference, limit: number): Promise<readonly string[]>;

  /**
   * Deletes sessions of a user that have ended, at most `limit` of them: when the user is deleted. The caller calls it again while it deletes
   * that many.
   *
   * @returns how many it deleted
   */
  abstract deleteEnded(userId: string, limit: number): Promise<number>;

  /**
   * Deletes sessions whose `removeAfter` has passed, at most `limit` of them. Several instances may call it at once.
   *
   * @returns how many it deleted
   */
  abstract purge(now: Date, limit: number): Promise<number>;
}
