import { type Clock, readMilliseconds } from '../clock/clock.js';
import { type Page, type PageOptions, readCursor, readLimit, toPage } from '../configuration/list-page.js';
import { ConfigurationError, isRefusal, RefusalError } from '../errors/auth-error.js';
import { stackAuthId } from '../issuers/stack-auth/stack-auth-api.js';
import type { StackAuthSessionRow } from '../issuers/stack-auth/stack-auth-answers.js';
import { readStackAuthClaims } from '../issuers/stack-auth/stack-auth-claims.js';
import {
  type SessionAsker,
  type StackAuthSessionApi,
  type StackAuthTokens,
  statusOfFailure,
} from '../issuers/stack-auth/stack-auth-session-api.js';
import type { AuthUser } from '../user/auth-user.js';
import { findTokenOf } from '../user/verified-user.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { StackAuthResponses } from './stack-auth-responses.js';

/** A session in the list of its user's sessions. */
export interface StackAuthSessionItem {
  readonly id: string;
  readonly createdAt: Date;
  /** `null` where the server does not say it. */
  readonly lastUsedAt: Date | null;
  /** Whether somebody else acts as the user in it. */
  readonly isImpersonation: boolean;
  /** Whether it is the session of the caller. */
  readonly current: boolean;
}

/** How a session is created for a user. */
export interface CreateSessionOptions {
  /** Seconds after which it ends, 1 to 31,708,800 (367 days). @defaultValue 31_536_000 (365 days) */
  readonly expiresInSeconds?: number;
  /** Whether somebody else acts as the user. Stack Auth leaves such sessions out of lists. @defaultValue false */
  readonly impersonation?: boolean;
}

/** What a sign-out has. */
export interface SignOutTokens {
  readonly accessToken?: string | null;
  readonly refreshToken?: string | null;
}

export interface StackAuthSessionsParts {
  readonly api: StackAuthSessionApi;
  readonly clock: Clock;
  readonly responses: StackAuthResponses;
  /**
   * Revokes the access tokens of a session in this app, under each issuer that they may name: the kind of a user changes, and the cloud
   * has two names. It does nothing where revocation is off.
   */
  readonly revoke: (sessionId: string) => Promise<void>;
}

const mostSessionSeconds = 367 * 86_400;
/** An access token that expires this soon may have expired when it arrives. */
const marginMs = 5_000;

/**
 * The sessions that Stack Auth keeps. `StackAuthModule` provides it.
 *
 * All methods reject with `AuthUnavailableError` (503) while Stack Auth does not answer or refuses this app, and with a `RefusalError`
 * `TOO_MANY_ATTEMPTS` (429) while it limits the rate. A session stays as it was then.
 */
export class StackAuthSessions {
  constructor(private readonly parts: StackAuthSessionsParts) {}

  /**
   * Gets a new access token. The refresh token stays the same, so it may be used any number of times at once.
   *
   * @throws {RefusalError} 401 `INVALID_TOKEN`: reason `revoked` for a session that has ended, has expired or never existed, or whose user
   *   was deleted, which Stack Auth does not tell apart; `malformed` for a text that is no refresh token.
   */
  refresh(refreshToken: string): Promise<StackAuthTokens> {
    return this.parts.api.refresh(refreshToken);
  }

  /**
   * Ends a session, or two where the tokens are of different ones. Where the access token has expired, or is not there, the refresh token
   * gets another one first, because Stack Auth ends sessions by access tokens alone. A session that has ended already is no error. Stack Auth goes on accepting its access tokens until
   * they expire; with `AuthModule.forRoot({ revocation: true })` this app refuses them at once.
   *
   * @throws {RefusalError} `INVALID_TOKEN` for an access token that is not accepted, where there is no refresh token.
   */
  async signOut({ accessToken = null, refreshToken = null }: SignOutTokens): Promise<void> {
    let hasEnded = false;
    if (accessToken !== null && (refreshToken === null || !this.hasExpired(accessToken))) {
      try {
        await this.endByAccessToken(accessToken);
        hasEnded = true;
      } catch (error) {
        if (refreshToken === null || !isRefusedToken(error)) throw error;
      }
    }
    // Also when the access token has ended a session: a browser can have the tokens of two.
    if (refreshToken !== null) await this.endByRefreshToken(refreshToken, hasEnded);
  }

  /**
   * The sessions of a user, the newest first. With `secretServerKey` Stack Auth is asked by the user's id, otherwise with their token.
   *
   * @param user as the guard has created it
   * @throws {RefusalError} `INVALID_INPUT` for a wrong `limit` or `cursor`.
   */
  async list(user: AuthUser, options: PageOptions = {}): Promise<Page<StackAuthSessionItem>> {
    const limit = readLimit(options);
    const after = readCursor(options, (cursor) => (stackAuthId.test(cursor) ? cursor : null));
    const rows = await this.parts.api.list(this.askerOf(user));
    const from = after === null ? 0 : rows.findIndex(({ id }) => id === after) + 1;
    const part = after !== null && from === 0 ? [] : rows.slice(from);
    return toPage(part, limit, { toItem: (row) => toItem(row, user.sessionId), cursorOf: ({ id }) => id });
  }

  /**
   * Ends a session of a user.
   *
   * @param user as the guard has created it
   * @throws {RefusalError} `NOT_FOUND` for a session that is not the user's.
   */
  async end(user: AuthUser, sessionId: string): Promise<void> {
    const asker = this.askerOf(user);
    const token = findTokenOf(user);
    if (sessionId === user.sessionId && token !== undefined) {
      await this.endByAccessToken(token);
      return;
    }
    // With server access Stack Auth ends the sessions of anybody, so it is checked here whose it is.
    const rows = stackAuthId.test(sessionId) ? await this.parts.api.list(asker) : [];
    if (!rows.some(({ id }) => id === sessionId)) {
      throw RefusalError.of('NOT_FOUND', 'The user has no session with this id');
    }
    await this.parts.api.endById(asker, sessionId);
    await this.parts.revoke(sessionId);
  }

  /**
   * Creates a session for a user, without a sign-in: for support, or after a sign-in of the app's own.
   *
   * @throws {RefusalError} `NOT_FOUND` for an unknown user.
   * @throws {ConfigurationError} without `stackAuth({ secretServerKey })`.
   */
  async create(userId: string, options: CreateSessionOptions = {}): Promise<StackAuthTokens> {
    const { api } = this.parts;
    if (!api.hasServerAccess) {
      throw new ConfigurationError(
        api.serverAccessOption,
        'it is missing, and StackAuthSessions.create requires it',
        'Write it, or set the environment variable STACK_SECRET_SERVER_KEY',
      );
    }
    const { expiresInSeconds, impersonation } = options;
    if (expiresInSeconds !== undefined && !(expiresInSeconds >= 1 && expiresInSeconds <= mostSessionSeconds)) {
      throw RefusalError.input([{ path: 'expiresInSeconds', message: `1 to ${mostSessionSeconds} is expected` }]);
    }
    return api.create(userId, {
      ...(expiresInSeconds !== undefined && { expires_in_millis: Math.round(expiresInSeconds * 1_000) }),
      ...(impersonation === true && { is_impersonation: true }),
    });
  }

  /**
   * Adds the cookies and headers of a session to a response, and returns the body for the handler to return. The response is
   * not ended. The client's choice by `X-Token-Delivery` decides between cookies and body, otherwise the first of `delivery`.
   *
   * @throws {RefusalError} `INVALID_REQUEST` for a choice that the app does not offer.
   */
  deliver(session: StackAuthTokens, request: object, response: object): TokenAnswer {
    return this.parts.responses.deliver(session, { request, response, remember: true });
  }

  /** Removes the cookies of a session from the browser. */
  clear(request: object, response: object): void {
    this.parts.responses.clear(request, response);
  }

  /** @param hasEnded whether a session has just ended, which is the one of this token as a rule */
  private async endByRefreshToken(refreshToken: string, hasEnded: boolean): Promise<void> {
    let session: StackAuthTokens;
    try {
      session = await this.parts.api.refresh(refreshToken);
    } catch (error) {
      // There is no such session.
      if (isRefusedToken(error)) return;
      // Versions of the API fail with 500 where its user was deleted, who could never sign out otherwise.
      if (hasEnded && statusOfFailure(error) === 500) return;
      throw error;
    }
    await this.endByAccessToken(session.accessToken);
  }

  private async endByAccessToken(accessToken: string): Promise<void> {
    await this.parts.api.end(accessToken);
    const sessionId = readStackAuthClaims(accessToken)?.sessionId ?? null;
    if (sessionId !== null) await this.parts.revoke(sessionId);
  }

  private hasExpired(accessToken: string): boolean {
    const expiresAt = readStackAuthClaims(accessToken)?.expiresAt.getTime() ?? 0;
    return expiresAt - marginMs <= readMilliseconds(this.parts.clock);
  }

  private askerOf(user: AuthUser): SessionAsker {
    if (user.provider !== 'stack-auth') {
      throw RefusalError.of('ACCESS_DENIED', 'The user is not one of Stack Auth, so it keeps no sessions of theirs');
    }
    if (this.parts.api.hasServerAccess) return { userId: user.id };
    const accessToken = findTokenOf(user);
    if (accessToken !== undefined) return { accessToken };
    throw new ConfigurationError(
      this.parts.api.serverAccessOption,
      'it is missing, and the user was not created by the guard, so there is no token to ask with',
      'Pass the user of @CurrentUser(), or write the key',
    );
  }
}

/** Whether an error refuses a token, and nothing else. */
function isRefusedToken(error: unknown): boolean {
  return isRefusal(error) && error.code === 'INVALID_TOKEN';
}

function toItem(row: StackAuthSessionRow, currentId: string | null): StackAuthSessionItem {
  const { id, created_at: createdAt, last_used_at: lastUsedAt = null, is_impersonation: isImpersonation } = row;
  return {
    id,
    createdAt: new Date(createdAt),
    lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt),
    isImpersonation,
    current: id === currentId,
  };
}
