import type { Authenticator } from '../authentication/authenticator.js';
import type { Clock, Timer } from '../clock/clock.js';
import { atEndOfTurn } from '../clock/turn.js';
import { type AuthError, isAuthError, RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AuthUser } from '../user/auth-user.js';

/** An open connection or stream of an authenticated user. */
export interface WatchedConnection {
  /** The request that is authenticated again at each check. */
  readonly request: RequestView;
  readonly user: AuthUser;
  /** The handler to name in the log: `ChatGateway.send`. */
  readonly handler: string;
  isOpen(): boolean;
  /** Sends the reason to the client and closes the connection. */
  close(refusal: AuthError): void;
}

export interface ConnectionWatchParts {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly report: ReportEvent;
}

interface WatchEntry {
  readonly connection: WatchedConnection;
  /** When the token is verified again, in milliseconds since 1970. */
  dueAt: number;
}

/**
 * The longest time between two verifications of a connection's token. It limits how long a withdrawn key stays unnoticed, and how
 * late a timer of a machine is that was suspended.
 */
const recheckIntervalMs = 60_000;
/** The time between two verifications after `exp`, while the clock tolerance still accepts the token. */
const toleranceStepMs = 1_000;

/**
 * Closes connections whose token has expired or is refused for another reason. The guard notices this only when the client sends a
 * message, and the server may send messages to the client without one.
 */
export class ConnectionWatch {
  private readonly watched = new Map<object, WatchEntry>();
  /** When the timer is due; infinite if it is not set. */
  private timerDueAt = Number.POSITIVE_INFINITY;

  constructor(private readonly parts: ConnectionWatchParts) {}

  /**
   * Watches a connection until it is closed.
   *
   * @param key the object of the connection. Of several calls with one key the last one counts.
   */
  watch(key: object, connection: WatchedConnection): void {
    if (this.watched.get(key)?.connection.user === connection.user) return;
    const dueAt = nextDueAt(connection.user, this.now());
    this.watched.set(key, { connection, dueAt });
    this.setTimer(dueAt);
  }

  /** Verifies the token of a connection at the end of this turn of the event loop, if that is due. */
  recheckIfDue(key: object): void {
    const entry = this.watched.get(key);
    if (entry !== undefined && entry.dueAt <= this.now()) atEndOfTurn(() => void this.recheck(key, entry));
  }

  /** Verifies the tokens of all connections as soon as the timer runs: tokens were revoked, and any of these may be among them. */
  recheckAll(): void {
    const now = this.now();
    for (const entry of this.watched.values()) entry.dueAt = Math.min(entry.dueAt, now);
    if (this.watched.size > 0) this.setTimer(now);
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.watched.clear();
    this.parts.timer.clear();
  }

  private recheckDue(): void {
    this.timerDueAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.watched) {
      if (!entry.connection.isOpen()) {
        this.watched.delete(key);
        continue;
      }
      void this.recheck(key, entry);
      next = Math.min(next, entry.dueAt);
    }
    this.setTimer(next);
  }

  /** Verifies the token of a connection if that is due. The next due time is set synchronously, because `recheckDue` reads it. */
  private async recheck(key: object, entry: WatchEntry): Promise<void> {
    const now = this.now();
    if (entry.dueAt > now || this.watched.get(key) !== entry) return;
    const { connection } = entry;
    entry.dueAt = nextDueAt(connection.user, now);
    try {
      await this.parts.authenticator.authenticate(connection.request);
    } catch (error) {
      // After an outage or an unexpected error the connection stays open until the next verification.
      if (isAuthError(error) && error.code !== 'SERVER_ERROR') this.close(key, connection, error);
      // A token that expired long ago would be refused if it could be verified, so an outage does not keep its connection open.
      else if (expiryOf(connection.user) + recheckIntervalMs <= now) this.close(key, connection, expiredLongAgo());
    }
  }

  private close(key: object, connection: WatchedConnection, error: AuthError): void {
    this.watched.delete(key);
    if (!connection.isOpen()) return;
    const { code, reason, explanation } = error;
    this.parts.report({ type: 'refused', code, reason, explanation, handler: connection.handler, anonymous: false });
    connection.close(error);
  }

  /** Sets the timer, unless it is due earlier anyway. */
  private setTimer(at: number): void {
    if (at >= this.timerDueAt) return;
    this.timerDueAt = at;
    this.parts.timer.set(Math.max(0, at - this.now()), () => {
      this.recheckDue();
    });
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

/** When the credential expires, in milliseconds since 1970; `NaN` where it does not expire or has no valid date. */
function expiryOf({ expiresAt }: AuthUser): number {
  return expiresAt === null ? Number.NaN : Number(expiresAt);
}

function expiredLongAgo(): RefusalError {
  return RefusalError.token(
    'expired',
    `It expired at least ${recheckIntervalMs / 1_000} s ago, and could not be verified since`,
  );
}

/** When the token is verified next: when it expires, but at the latest after the interval; after it has expired, each second. */
function nextDueAt(user: AuthUser, now: number): number {
  const expiresAt = expiryOf(user);
  if (expiresAt <= now) return now + toleranceStepMs;
  return Math.min(Number.isNaN(expiresAt) ? Number.POSITIVE_INFINITY : expiresAt, now + recheckIntervalMs);
}

/** A WebSocket of any package, or the TCP socket that it uses. */
interface Socket {
  /** A number for a WebSocket, a word for a TCP socket. */
  readonly readyState?: unknown;
  close?(code: number, reason: string): unknown;
  destroy?(): unknown;
}

const open = 1;

export function isSocketOpen(connection: object): boolean {
  const { readyState }: Socket = connection;
  return typeof readyState === 'number' ? readyState === open : readyState === 'open';
}

/** Closes a WebSocket with a code and a reason of at most 123 bytes. A TCP socket is destroyed, without code and reason. */
export function endSocket(connection: object, code: number, reason: string): void {
  const socket: Socket = connection;
  if (typeof socket.readyState === 'number') socket.close?.(code, reason);
  else socket.destroy?.();
}
