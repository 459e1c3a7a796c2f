import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { path, readOptions, requireText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { RevocationFeed } from './revocation-feed.js';
import { latestSeconds } from './revocation-list.js';
import type { RevocationTerms } from './revocation-options.js';
import type { RevocationKind } from './revocation-store.js';

/** One token. */
export interface TokenToRevoke {
  /** The exact issuer, as in `AuthUser.issuer`. */
  readonly issuer: string;
  /** Its `jti`. */
  readonly id: string;
  /** When it expires, as in `AuthUser.expiresAt`: the revocation is kept until then. */
  readonly expiresAt: Date;
}

/** All tokens of one session. */
export interface SessionToRevoke {
  /** The exact issuer, as in `AuthUser.issuer`. */
  readonly issuer: string;
  /** As in `AuthUser.sessionId`; or a list, for several sessions in one write to the store. */
  readonly sessionId: string | readonly string[];
  /** When the last token of the session expires: the revocation is kept until then. @defaultValue in `longestTokenSeconds` */
  readonly expiresAt?: Date;
}

/** All tokens of one user that were issued until a moment. */
export interface UserToRevoke {
  /** The exact issuer, as in `AuthUser.issuer`. */
  readonly issuer: string;
  /** As in `AuthUser.id`. */
  readonly userId: string;
  /** Tokens whose `iat` is in this second or before it are revoked. @defaultValue now */
  readonly before?: Date;
}

/** All tokens that one application was issued until a moment. */
export interface ClientToRevoke {
  /** The exact issuer, as in `AuthUser.issuer`. */
  readonly issuer: string;
  /** As in `AuthUser.clientId`; or a list, for several applications in one write to the store. */
  readonly clientId: string | readonly string[];
  /** Tokens whose `iat` is in this second or before it are revoked. @defaultValue now */
  readonly before?: Date;
}

/** What this process knows of revocations, for a metrics page or a health check. */
export interface RevocationState {
  /** How many revocations are in memory. Those that have expired count for up to a minute. */
  readonly entries: number;
  /** How many bytes they take. */
  readonly bytes: number;
  /** When the store was last read; `null` before that, and where there is no store. */
  readonly readAt: Date | null;
  /** Whether tokens are answered, and not with 503. */
  readonly available: boolean;
}

export interface RevocationServiceParts {
  /** `null` where revocation is off. */
  readonly on: { readonly feed: RevocationFeed; readonly terms: RevocationTerms } | null;
  /** The issuers whose tokens the app accepts. */
  readonly issuers: readonly string[];
  /** The largest `clockToleranceSeconds` of these: how long a token may pass after its `exp`. */
  readonly toleranceSeconds: number;
  readonly clock: Clock;
}

interface Revocation {
  readonly kind: RevocationKind;
  readonly issuer: string;
  readonly value: string;
  readonly issuedUntilSeconds: number | null;
  /** When the last token that it concerns has expired, in seconds. The tolerance is added. */
  readonly endsAtSeconds: number;
}

/**
 * Revokes tokens before they expire: on sign-out, when a user is blocked, when a token was stolen. Needs
 * `AuthModule.forRoot({ revocation: true })`. A revoked token is answered with 401 `INVALID_TOKEN`, reason `revoked`: in this
 * process as soon as the promise resolves, in all processes that share its `RevocationStore` within `refreshSeconds`. Open
 * connections of the token are closed. A revocation cannot be taken back.
 *
 * All methods throw, by a rejected promise:
 * - `ConfigurationError` where `revocation` is off, and for wrong input, such as an issuer that the app does not accept;
 * - `AuthUnavailableError` (503) when the store did not take the revocation. It then holds in this process, and nowhere
 *   else. Making it again is harmless.
 */
export class RevocationService implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly parts: RevocationServiceParts) {}

  /** Revokes one token by its `jti`. */
  async revokeToken(token: TokenToRevoke): Promise<void> {
    const where = 'RevocationService.revokeToken';
    const { issuer, value } = this.readIds(where, token, 'id', ['expiresAt']);
    const endsAtSeconds = Math.ceil(readSeconds(path(where, 'expiresAt'), token.expiresAt));
    await this.revoke(where, [{ kind: 'token', issuer, value, issuedUntilSeconds: null, endsAtSeconds }]);
  }

  /** Revokes all tokens of a session, whenever they were issued. Other sessions of the user stay, and new ones can begin. */
  async revokeSession(session: SessionToRevoke): Promise<void> {
    const where = 'RevocationService.revokeSession';
    const read = this.readLists(where, session, 'sessionId', ['expiresAt']);
    const { expiresAt } = session;
    const endsAtSeconds =
      expiresAt === undefined
        ? this.now() + this.longestSeconds()
        : Math.ceil(readSeconds(path(where, 'expiresAt'), expiresAt));
    await this.revoke(
      where,
      read.map(({ issuer, value }) => ({ kind: 'session', issuer, value, issuedUntilSeconds: null, endsAtSeconds })),
    );
  }

  /**
   * Revokes all tokens of a user that were issued in the second of `before` or earlier, and those that do not say when.
   * `iat` counts whole seconds: a user who signs in again within that second has to do it once more.
   */
  async revokeUser(user: UserToRevoke): Promise<void> {
    const where = 'RevocationService.revokeUser';
    const { issuer, value } = this.readIds(where, user, 'userId', ['before']);
    await this.revoke(where, [{ kind: 'user', issuer, value, ...this.readBefore(where, user.before) }]);
  }

  /** The same for all tokens that were issued to an application, for any user. */
  async revokeClient(client: ClientToRevoke): Promise<void> {
    const where = 'RevocationService.revokeClient';
    const read = this.readLists(where, client, 'clientId', ['before']);
    const until = this.readBefore(where, client.before);
    await this.revoke(
      where,
      read.map(({ issuer, value }) => ({ kind: 'client', issuer, value, ...until })),
    );
  }

  /** @throws {ConfigurationError} where `revocation` is off. */
  state(): RevocationState {
    const { feed } = this.get('RevocationService.state');
    const { list, readAt, isAnswerable } = feed;
    return Object.freeze({
      entries: list.size,
      bytes: list.byteLength,
      readAt: readAt === null ? null : new Date(readAt),
      available: isAnswerable,
    });
  }

  /** Called by Nest before the app listens: reads the store. @throws {ConfigurationError} when there are two stores. */
  async onApplicationBootstrap(): Promise<void> {
    await this.parts.on?.feed.start();
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.parts.on?.feed.close();
  }

  private async revoke(where: string, revocations: readonly Revocation[]): Promise<void> {
    const { feed } = this.get(where);
    const now = this.now();
    const entries = revocations
      .map(({ endsAtSeconds, ...rest }) => ({
        ...rest,
        expiresAtSeconds: Math.min(Math.ceil(endsAtSeconds + this.parts.toleranceSeconds), latestSeconds),
      }))
      // Every token that an earlier one concerns has expired.
      .filter(({ expiresAtSeconds }) => expiresAtSeconds > now);
    if (entries.length > 0) await feed.add(entries);
  }

  private get(where: string): { readonly feed: RevocationFeed; readonly terms: RevocationTerms } {
    if (this.parts.on !== null) return this.parts.on;
    throw new ConfigurationError(
      'AuthModule.forRoot({ revocation })',
      `it is off, and ${where}() was called`,
      'Write revocation: true',
    );
  }

  /** The same for a member that may be a list. */
  private readLists(where: string, given: object | undefined, id: string, others: readonly string[]) {
    if (given === undefined) return [this.readIds(where, given, id, others)];
    const value: unknown = (given as Readonly<Record<string, unknown>>)[id];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((each) => this.readIds(where, { ...given, [id]: each }, id, others));
  }

  private readIds(where: string, given: unknown, id: string, others: readonly string[] = []) {
    this.get(where);
    const options = readOptions(where, given, ['issuer', id, ...others]);
    const { issuers } = this.parts;
    const fix = `Write one of ${issuers.join(', ')}`;
    const issuer = requireText(where, options, 'issuer', fix);
    // By a slash too much nothing would be revoked, and nothing would say so.
    if (!issuers.includes(issuer))
      throw new ConfigurationError(path(where, 'issuer'), 'it is not a trusted issuer', fix);
    return { issuer, value: requireText(where, options, id, 'Take it from the AuthUser or from the token') };
  }

  private readBefore(where: string, before: Date | undefined) {
    const seconds = before === undefined ? this.now() : readSeconds(path(where, 'before'), before);
    return { issuedUntilSeconds: Math.floor(seconds), endsAtSeconds: Math.floor(seconds) + this.longestSeconds() };
  }

  private longestSeconds(): number {
    return this.parts.on?.terms.longestTokenSeconds ?? 0;
  }

  /** In seconds since 1970. */
  private now(): number {
    return readMilliseconds(this.parts.clock) / 1_000;
  }
}

function readSeconds(where: string, given: unknown): number {
  const seconds = given instanceof Date ? given.getTime() / 1_000 : Number.NaN;
  if (seconds >= 0 && seconds <= latestSeconds) return seconds;
  throw new ConfigurationError(where, 'a valid date is expected', 'Write a Date between 1970 and 2106');
}
