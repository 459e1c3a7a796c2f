import { type Authenticator, authenticateOnline } from '../authentication/authenticator.js';
import type { Clock, Timer } from '../clock/clock.js';
import { atEndOfTurn } from '../clock/turn.js';
import { type AuthError, isAuthError, isExpiry, isUndecided } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { chain, isThenable, type MaybePromise, recover } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { RecheckSchedule, type Scheduled } from './recheck-schedule.js';
import { expiredLongAgo, expiryOf, sessionEnded } from './watched-connection.js';
import type { ConnectionSource, WatchedConnection } from './watched-connection.js';

export interface ConnectionWatchParts {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly report: ReportEvent;
}

interface WatchEntry extends Scheduled {
  readonly key: object;
  readonly connection: WatchedConnection;
  /** Whether the issuer is asked at each check. */
  readonly online: boolean;
  /**
   * Until when the connection may stay open although its token has expired, in milliseconds since 1970; `null` before the
   * token has expired.
   */
  extendedUntil: number | null;
}

/**
 * The longest time between two verifications of a connection's token. It limits how long a withdrawn key stays unnoticed, and how
 * late a timer of a machine is that was suspended.
 */
const recheckIntervalMs = 60_000;
/** The time between two verifications after `exp`, while the clock tolerance still accepts the token. */
const toleranceStepMs = 1_000;
/** The time after which a response that had not begun at its verification is looked at again. */
const startStepMs = 1_000;
/** Verifications in one turn of the event loop. Requests are answered between two turns. */
const mostChecksInTurn = 100;
/** Connections that were opened in one second are verified again in so many different seconds. */
const spreadSeconds = 10;

/**
 * Closes connections whose token has expired or is refused for another reason. The guard notices this only when the client sends a
 * message, and the server may send messages to the client without one. Responses that go on are connections, too.
 *
 * Each connection costs one verification a minute, and one at each of its changes, however many connections there are.
 */
export class ConnectionWatch {
  private readonly watched = new Map<object, WatchEntry>();
  private readonly schedule = new RecheckSchedule<WatchEntry>();
  private readonly sources: ConnectionSource[] = [];
  /** When the timer is due; infinite if it is not set. */
  private timerDueAt = Number.POSITIVE_INFINITY;
  /** Whether another turn with verifications is pending. */
  private isRunning = false;
  /** The connections that `recheckAll` has not reached yet. */
  private pass: Iterator<WatchEntry> | null = null;
  /** Whether `recheckAll` was called. During a pass, another one follows it. */
  private passRequested = false;
  /** How many seconds earlier the first verification of the last connection is. */
  private spread = -1;

  constructor(private readonly parts: ConnectionWatchParts) {}

  /** How many connections are watched. */
  get size(): number {
    return this.sources.reduce((sum, { size }) => sum + size, this.watched.size);
  }

  addSource(source: ConnectionSource): void {
    this.sources.push(source);
  }

  /** When a connection of a source has to be verified first. Until then, the source is asked to hand it over. */
  expect(user: AuthUser): number {
    const dueAt = this.firstDueAt(user);
    this.setTimer(dueAt);
    return dueAt;
  }

  /**
   * Watches a connection until it is closed.
   *
   * @param key the object of the connection. Of several calls with one key the last one counts; the issuer is asked if any of them
   * required it.
   * @param dueAt when it is verified first. @defaultValue when its token ends, but within a minute
   */
  watch(key: object, connection: WatchedConnection, dueAt = this.firstDueAt(connection.user)): void {
    const known = this.watched.get(key);
    const online = connection.online === true || known?.online === true;
    const isSame = known?.connection.user === connection.user && known.online === online;
    if (isSame || !connection.isOpen()) return;
    const entry: WatchEntry = { key, connection, online, extendedUntil: null, dueAt: Number.NaN };
    this.watched.set(key, entry);
    this.schedule.set(entry, dueAt);
    this.setTimer(entry.dueAt);
    if (known !== undefined) this.schedule.delete(known);
    else connection.onClose?.(this.drop.bind(this, key));
  }

  /** Verifies the token of a connection at the end of this turn of the event loop, if that is due. */
  recheckIfDue(key: object): void {
    const entry = this.watched.get(key);
    if (entry === undefined || entry.dueAt > this.now()) return;
    this.scheduleNext(entry);
    atEndOfTurn(() => {
      if (this.watched.get(key) === entry) this.recheck(entry, entry.online);
    });
  }

  /**
   * Verifies the tokens of all connections as soon as the timer runs, over several turns of the event loop: tokens were revoked, and
   * any of these may be among them. Issuers are not asked, because the revocation is known here.
   */
  recheckAll(): void {
    if (this.size === 0) return;
    this.passRequested = true;
    this.setTimer(this.now());
  }

  /**
   * The user of a connection whose token has expired, if the connection may stay open without it; otherwise `null`. Messages on the
   * connection are accepted as this user's.
   *
   * @throws {RefusalError} if the token or its session was revoked.
   * @throws {AuthUnavailableError} if this cannot be found out.
   */
  findExtended(key: object): MaybePromise<AuthUser | null> {
    this.handOver();
    const entry = this.watched.get(key);
    if (entry === undefined || entry.online || !entry.connection.isOpen()) return null;
    return chain(this.extend(entry), (isExtended) => (isExtended ? entry.connection.user : null));
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.watched.clear();
    this.schedule.clear();
    this.pass = null;
    this.passRequested = false;
    this.parts.timer.clear();
  }

  private readonly run = (): void => {
    this.isRunning = true;
    const now = this.now();
    for (let checks = 0; checks < mostChecksInTurn; checks += 1) {
      if (!this.checkNext(now)) {
        // What was opened during the verifications has set no timer.
        this.handOver();
        this.isRunning = false;
        this.setTimer(this.schedule.nextDueAt());
        return;
      }
    }
    atEndOfTurn(this.run);
  };

  /** Verifies the next connection that is due or that the pass reaches; `false` if there is none. */
  private checkNext(now: number): boolean {
    const due = this.schedule.takeDue(now);
    const entry = due ?? this.nextOfPass();
    if (entry === undefined) return false;
    if (!entry.connection.isOpen()) this.drop(entry.key);
    else if (entry.connection.hasBegun?.() === false) this.schedule.set(entry, now + startStepMs);
    else {
      if (due !== undefined) this.scheduleNext(entry);
      this.recheck(entry, due !== undefined && entry.online);
    }
    return true;
  }

  private nextOfPass(): WatchEntry | undefined {
    for (;;) {
      const next = this.pass?.next();
      if (next?.done === false) return next.value;
      if (this.passRequested) this.handOver();
      this.pass = this.passRequested ? this.watched.values() : null;
      this.passRequested = false;
      if (this.pass === null) return undefined;
    }
  }

  private recheck(entry: WatchEntry, online: boolean): void {
    try {
      const verified = this.verify(entry, online);
      if (isThenable(verified)) verified.then(undefined, (error: unknown) => this.refuse(entry, error));
    } catch (error) {
      this.refuse(entry, error);
    }
  }

  /** @throws the refusal of a connection that must be closed, or another error if it cannot be verified now. */
  private verify(entry: WatchEntry, online: boolean): MaybePromise<unknown> {
    const { authenticator } = this.parts;
    const { request } = entry.connection;
    if (online) return authenticateOnline(authenticator, request);
    if (entry.extendedUntil !== null) return this.requireExtension(entry, sessionEnded());
    return recover<unknown>(
      () => authenticator.authenticate(request),
      (error) => {
        if (!isExpiry(error) || entry.online) throw error;
        return this.requireExtension(entry, error);
      },
    );
  }

  private requireExtension(entry: WatchEntry, refusal: unknown): MaybePromise<void> {
    return chain(this.extend(entry), (isExtended) => {
      if (!isExtended) throw refusal;
    });
  }

  /** Asks until when a connection may stay open although its token has expired. */
  private extend(entry: WatchEntry): MaybePromise<boolean> {
    const { request, user } = entry.connection;
    return chain(this.parts.authenticator.extend?.(request, user) ?? null, (until) => {
      const untilMs = Number(until);
      if (!(untilMs > this.now())) return false;
      entry.extendedUntil = untilMs;
      if (this.watched.get(entry.key) === entry) this.scheduleNext(entry);
      return true;
    });
  }

  /** Closes a connection that is refused. After an outage, a pause or an unexpected error it stays open until the next verification. */
  private refuse(entry: WatchEntry, error: unknown): void {
    if (isAuthError(error) && !isUndecided(error)) this.close(entry, error);
    // What ended long ago would be refused if it could be verified, so an outage does not keep its connection open.
    else if (endOf(entry) + recheckIntervalMs <= this.now()) this.close(entry, expiredLongAgo(recheckIntervalMs));
  }

  private close(entry: WatchEntry, error: AuthError): void {
    const { key, connection } = entry;
    // Another call may have replaced the entry meanwhile, or the connection may have been closed.
    if (this.watched.get(key) !== entry) return;
    this.drop(key);
    if (!connection.isOpen()) return;
    const { code, reason, explanation } = error;
    this.parts.report({ type: 'refused', code, reason, explanation, handler: connection.handler, anonymous: false });
    connection.close(error);
  }

  private drop(key: object): void {
    const entry = this.watched.get(key);
    if (entry === undefined) return;
    this.watched.delete(key);
    this.schedule.delete(entry);
  }

  private scheduleNext(entry: WatchEntry): void {
    this.schedule.set(entry, this.nextDueAt(entry));
  }

  private firstDueAt(user: AuthUser): number {
    this.spread = (this.spread + 1) % spreadSeconds;
    const latest = this.now() + recheckIntervalMs - this.spread * 1_000;
    return Math.min(this.dueAtOf(expiryOf(user)), latest);
  }

  private nextDueAt(entry: WatchEntry): number {
    return this.dueAtOf(endOf(entry));
  }

  /** When a token is verified next: when it ends, but at the latest after the interval; after it has ended, each second. */
  private dueAtOf(end: number): number {
    const now = this.now();
    if (end <= now) return now + toleranceStepMs;
    return Math.min(Number.isNaN(end) ? Number.POSITIVE_INFINITY : end, now + recheckIntervalMs);
  }

  /** Sets the timer, unless it is due earlier anyway, or it is set at the end of the verifications in progress. */
  private setTimer(at: number): void {
    if (this.isRunning || at >= this.timerDueAt) return;
    this.timerDueAt = at;
    this.parts.timer.set(Math.max(0, at - this.now()), () => {
      this.timerDueAt = Number.POSITIVE_INFINITY;
      this.isRunning = true;
      this.handOver();
      this.run();
    });
  }

  private handOver(): void {
    for (const source of this.sources) source.handOver();
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

/** When the connection ends unless it is extended, in milliseconds since 1970; `NaN` where its credential does not expire. */
function endOf({ extendedUntil, connection: { user } }: WatchEntry): number {
  return extendedUntil ?? expiryOf(user);
}
