import { randomBytes } from 'node:crypto';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { type Page, type PageOptions, readCursor, readLimit, toPage } from '../configuration/list-page.js';
import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import type { EncryptionKeys } from '../issuing/encryption-keys.js';
import { createUuidV7, isUuid } from '../issuing/uuid-v7.js';
import type { RevocationService } from '../revocation/revocation.service.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AccessTokens, IssuedAccessToken } from './access-tokens.js';
import { RefreshTokens } from './refresh-tokens.js';
import { IssuedSession, type Session, type SessionDetails, type SessionItem, toSessionItem } from './session.js';
import { checkAccessCookie } from './session-cookies.js';
import { deliveryFault } from './session-delivery.js';
import { SessionEndings } from './session-endings.js';
import type { SessionTerms } from './session-options.js';
import { isAlive, removalTime, SessionRotation } from './session-rotation.js';
import type {
  NewSession,
  LoginReference,
  SessionEndReason,
  SessionStore,
  StoredSession,
  TokenDelivery,
} from './session-store.js';
import { describeUnknown, type SessionSubject, type SubjectFinder, SubjectLookUps } from './session-subject.js';

export interface SessionLifecycleParts {
  readonly terms: SessionTerms;
  readonly accessTokens: AccessTokens;
  readonly revocation: RevocationService;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** Looked up at the first use, because any module of the app may provide them. */
  readonly findStore: () => SessionStore;
  readonly findEncryptionKeys: () => EncryptionKeys;
  readonly findSubjects: () => SubjectFinder;
}

/** What a sign-in determines of its session. */
type ChosenForSession = Pick<NewSession, 'amr' | 'login' | 'delivery' | 'remember' | 'userAgent' | 'ipAddress'>;

/** A sign-in, read from its request and from the options of the app. */
export interface SignIn extends ChosenForSession {
  readonly isNewUser: boolean;
  /** How the tokens will be delivered; `null` where that is unknown. */
  readonly deliversBy: TokenDelivery | null;
  /** The session that the client has already, which ends; `null` where it has none. */
  readonly replacedId: string | null;
}

/** What a client asks for with a refresh token. */
export interface RefreshRequest {
  /** Where the refresh token came from; `null` where the app's own code has it. */
  readonly place: TokenDelivery | null;
  /** What the client chose by `X-Token-Delivery`. */
  readonly choice: TokenDelivery | null;
}

/** Which part of a list. */
export interface ListOptions extends PageOptions {
  /** The session that is marked as `current`. @defaultValue none */
  readonly currentSessionId?: string;
}

/** How many sessions of a user one statement ends. */
const batchSize = 1_000;
const mostBatches = 10_000;
/** How many sessions of a login are ended before the next ones are looked for. */
const loginBatchSize = 100;
const mostLoginBatches = 1_000;

/** Starts, refreshes and ends sessions in their store. It knows no requests and no responses. */
export class SessionLifecycle {
  private store: SessionStore | undefined;
  private tokens: RefreshTokens | undefined;
  private rotation: SessionRotation | undefined;
  private readonly lookUps: SubjectLookUps;
  private readonly endings: SessionEndings;

  constructor(private readonly parts: SessionLifecycleParts) {
    this.endings = new SessionEndings(parts);
    this.lookUps = new SubjectLookUps(parts);
  }

  async start(subject: SessionSubject, signIn: SignIn): Promise<Session> {
    const { replacedId, isNewUser, deliversBy, ...chosen } = signIn;
    const { terms, accessTokens } = this.parts;
    const now = this.now();
    const session = this.createSession(subject.id, chosen, now);
    // Before anything is stored, so that a failure leaves no session behind.
    const user = terms.presentUser(subject);
    const issued = await accessTokens.issue(session, subject, now);
    if (deliversBy === 'cookies') checkAccessCookie(terms.cookies, issued.accessToken);
    const replaced = replacedId === null ? undefined : { id: replacedId, ending: this.endings.create('replaced') };
    await this.getStore().create(session, replaced);
    if (replacedId !== null) await this.endings.revoke([replacedId], now);
    const { remember, delivery, idleExpiresAt } = session;
    const details = { user, idleExpiresAt, remember, delivery, isNewUser };
    return toSession(session, issued, this.getTokens().create(session, 0), details);
  }

  /** @throws {RefusalError} before the token is replaced, when the client's choice contradicts the session. */
  async refresh(text: string, { place, choice }: RefreshRequest): Promise<Session> {
    const rotated = await this.getRotation().rotate(
      text,
      (session) => {
        const expected = this.deliveryOf(session, place);
        if (choice !== null && expected !== null && choice !== expected) throw deliveryFault(expected);
      },
      async (session) =>
        this.prepareAnswer(session, await this.requireSubject(session), this.deliveryOf(session, place)),
    );
    const { session, refreshToken, idleExpiresAt, prepared } = rotated;
    const delivery = this.deliveryOf(session, place);
    const details = { user: prepared.user, idleExpiresAt, remember: session.remember, delivery, isNewUser: false };
    return toSession(session, prepared.issued, refreshToken, details);
  }

  /** @returns whether this call ended it */
  async end(sessionId: string, reason: SessionEndReason): Promise<boolean> {
    const isEnded = await this.getStore().end(sessionId, this.endings.create(reason));
    if (isEnded) await this.endings.revoke([sessionId], this.now());
    else await this.endings.confirm(await this.getStore().find(sessionId));
    return isEnded;
  }

  /** The same for a session that was just read. One that has ended costs no write. */
  async endFound(session: StoredSession, reason: SessionEndReason): Promise<boolean> {
    if (session.endedAt === null) return this.end(session.id, reason);
    await this.endings.confirm(session);
    return false;
  }

  /** Ends a session of exactly this user. @returns `false` when there is none that could be ended */
  async endOfUser(userId: string, sessionId: string): Promise<boolean> {
    const session = await this.getStore().find(sessionId);
    if (session?.userId !== userId || session.endedAt !== null) return false;
    return this.end(sessionId, 'ended');
  }

  /** @throws {AuthUnavailableError} when sessions are started as fast as they are ended. */
  async endAll(userId: string, exceptId: string | null, reason: SessionEndReason = 'ended'): Promise<void> {
    const store = this.getStore();
    for (let batch = 0; batch < mostBatches; batch += 1) {
      const ended = await store.endAll(userId, this.endings.create(reason), exceptId, batchSize);
      await this.endings.revoke(ended, this.now());
      if (ended.length === batchSize) continue;
      // Another call may have ended the same sessions at once, and left the rest to this one.
      const rest = await store.list(userId, { now: new Date(this.now()), beforeId: null, limit: 2 });
      if (rest.every(({ id }) => id === exceptId)) return;
    }
    throw new AuthUnavailableError('Sessions of the user are started as fast as they are ended', 1);
  }

  /**
   * Ends the sessions that began by logins of a provider, because the provider has ended these.
   *
   * @throws {AuthUnavailableError} when such sessions are started as fast as they are ended.
   */
  async endOfLogin(provider: string, by: LoginReference): Promise<void> {
    for (let batch = 0; batch < mostLoginBatches; batch += 1) {
      const ids = await this.getStore().listByLogin(provider, by, loginBatchSize);
      for (const id of ids) await this.end(id, 'provider-signed-out');
      if (ids.length < loginBatchSize) return;
    }
    throw new AuthUnavailableError('Sessions of the login are started as fast as they are ended', 1);
  }

  /**
   * A new access token of a session and its current refresh token, which stays the current one. `null` where there is no such session, it has
   * ended or expired, or the app does not know its user any more; then the session ends.
   */
  async reissue(sessionId: string): Promise<Session | null> {
    const session = await this.getStore().find(sessionId);
    if (session === null || !isAlive(session, this.now())) return null;
    const subject = await this.findSubject(session.userId);
    if (subject === null || subject === undefined) {
      await this.end(sessionId, 'user-gone');
      return null;
    }
    const delivery = this.deliveryOf(session, null);
    const { user, issued } = await this.prepareAnswer(session, subject, delivery);
    // It may have been refreshed meanwhile, and its current token must not be replaced by an earlier one.
    const current = await this.getStore().find(sessionId);
    if (current === null || !isAlive(current, this.now())) return null;
    const { idleExpiresAt, remember } = current;
    const refreshToken = this.getTokens().create(current, current.generation);
    return toSession(session, issued, refreshToken, { user, idleExpiresAt, remember, delivery, isNewUser: false });
  }

  /** @throws {RefusalError} `INVALID_INPUT` for a wrong `limit` or `cursor`. */
  async list(userId: string, options: ListOptions): Promise<Page<SessionItem>> {
    const limit = readLimit(options);
    const beforeId = readCursor(options, (cursor) => (isUuid(cursor) ? cursor : null));
    const found = await this.getStore().list(userId, { now: new Date(this.now()), beforeId, limit: limit + 1 });
    return toPage(found, limit, {
      toItem: (session) => toSessionItem(session, options.currentSessionId),
      cursorOf: ({ id }) => id,
    });
  }

  /** The session of a refresh token, whether or not it is the current one; `null` for any other text. */
  async findByRefreshToken(text: string): Promise<StoredSession | null> {
    const token = this.getTokens().parse(text);
    if (token === null) return null;
    const session = await this.getStore().find(token.sessionId);
    return session !== null && this.getTokens().belongsTo(token, session) ? session : null;
  }

  /** The user of a session that has neither ended nor expired; `null` where there is none. */
  async findUserId(sessionId: string): Promise<string | null> {
    const session = await this.getStore().find(sessionId);
    return session !== null && isAlive(session, this.now()) ? session.userId : null;
  }

  /**
   * The user of a session as the app knows them now.
   *
   * @throws {RefusalError} when it knows none; the session ends.
   */
  async requireSubject({ id, userId }: Pick<StoredSession, 'id' | 'userId'>): Promise<SessionSubject> {
    const subject = await this.findSubject(userId);
    if (subject !== null && subject !== undefined) return subject;
    await this.end(id, 'user-gone');
    throw RefusalError.session('revoked', `The session was ended: ${describeUnknown(subject)}`);
  }

  /** @throws {AuthUnavailableError} when the app cannot look the user up. */
  findSubject(userId: string): Promise<SessionSubject | null | undefined> {
    return this.lookUps.find(userId);
  }

  /** What the client chose, as long as the app offers it; otherwise the place that the refresh token came from. */
  private deliveryOf({ delivery }: StoredSession, place: TokenDelivery | null): TokenDelivery | null {
    return delivery !== null && this.parts.terms.delivery.includes(delivery) ? delivery : place;
  }

  /** Everything that may fail, before the refresh token is replaced: the client keeps a token that works. */
  private async prepareAnswer(session: StoredSession, subject: SessionSubject, delivery: TokenDelivery | null) {
    const { terms, accessTokens } = this.parts;
    const user = terms.presentUser(subject);
    const issued = await accessTokens.issue(session, subject, this.now());
    if (delivery === 'cookies') checkAccessCookie(terms.cookies, issued.accessToken);
    return { user, issued };
  }

  private createSession(userId: string, chosen: ChosenForSession, now: number): NewSession {
    const { idleMs, absoluteMs } = this.parts.terms;
    const createdAt = new Date(now);
    const idleExpiresAt = new Date(now + idleMs);
    return {
      id: createUuidV7(now),
      userId,
      seed: randomBytes(16),
      createdAt,
      authTime: createdAt,
      ...chosen,
      idleExpiresAt,
      absoluteExpiresAt: new Date(now + absoluteMs),
      removeAfter: removalTime(idleExpiresAt),
    };
  }

  private getStore(): SessionStore {
    return (this.store ??= this.parts.findStore());
  }

  private getTokens(): RefreshTokens {
    return (this.tokens ??= new RefreshTokens(this.parts.findEncryptionKeys()));
  }

  private getRotation(): SessionRotation {
    const { terms, clock, report } = this.parts;
    return (this.rotation ??= new SessionRotation({
      terms,
      clock,
      store: this.getStore(),
      tokens: this.getTokens(),
      end: (id, reason) => this.end(id, reason),
      onReuse: ({ id: sessionId, userId }) => {
        report({ type: 'refresh-token-reused', sessionId, userId });
      },
    }));
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

function toSession(
  { id, userId }: NewSession,
  { accessToken, expiresIn, expiresAt }: IssuedAccessToken,
  refreshToken: string,
  details: SessionDetails,
): Session {
  return new IssuedSession(id, userId, accessToken, expiresIn, expiresAt, refreshToken, details);
}
