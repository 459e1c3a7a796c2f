import type { Authenticator } from '../authentication/authenticator.js';
import type { Clock, Timer } from '../clock/clock.js';
import { atEndOfTurn } from '../clock/turn.js';
import { type AuthError, isAuthError, RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { AuthUser } from '../user/auth-user.js';

/** A connection that was opened for a user, or that a user is being served on. */
export interface WatchedConnection {
  /** What the token came with. */
  readonly request: RequestView;
  readonly user: AuthUser;
  /** For the log: `ChatGateway.send`. */
  readonly handler: string;
  isOpen(): boolean;
  /** Tells the client why, and ends it. */
  close(refusal: AuthError): void;
}

export interface ConnectionWatchParts {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly report: ReportEvent;
}

interface Watched {
  readonly connection: WatchedConnection;
  /** When it is judged again. */
  dueAt: number;
}

/**
 * How long a connection goes without being judged again: a key may be withdrawn, and a machine that slept has timers
 * that are late.
 */
const patienceMs = 60_000;
/** Between the end of a token and the end of the tolerance. */
const graceStepMs = 1_000;

/**
 * Ends connections whose token is over, or no longer good. On a transport where one connection carries many messages,
 * the guard would notice at the next message; what the server sends by itself would go on.
 */
export class ConnectionWatch {
  private readonly watched = new Map<object, Watched>();
  private ringsAt = Number.POSITIVE_INFINITY;

  constructor(private readonly parts: ConnectionWatchParts) {}

  /** @param key the connection's own object: watched once, for the user who came last. */
  watch(key: object, connection: WatchedConnection): void {
    if (this.watched.get(key)?.connection.user === connection.user) return;
    const dueAt = dueAfter(connection.user, this.now());
    this.watched.set(key, { connection, dueAt });
    this.ringBy(dueAt);
  }

  /** Has a connection judged again that is due, as soon as what runs now has been answered. */
  remind(key: object): void {
    const watched = this.watched.get(key);
    if (watched !== undefined && watched.dueAt <= this.now()) atEndOfTurn(() => void this.judge(key, watched));
  }

  /** Has all connections judged again, as soon as what runs now is done: tokens were revoked, and any may be one of them. */
  recheckAll(): void {
    const now = this.now();
    for (const watched of this.watched.values()) watched.dueAt = Math.min(watched.dueAt, now);
    if (this.watched.size > 0) this.ringBy(now);
  }

  /** Called by Nest when the app stops. */
  onModuleDestroy(): void {
    this.watched.clear();
    this.parts.timer.clear();
  }

  private ring(): void {
    this.ringsAt = Number.POSITIVE_INFINITY;
    let next = this.ringsAt;
    for (const [key, watched] of this.watched) {
      if (!watched.connection.isOpen()) {
        this.watched.delete(key);
        continue;
      }
      void this.judge(key, watched);
      next = Math.min(next, watched.dueAt);
    }
    this.ringBy(next);
  }

  /** Judges a connection that is due. Its next time is set before anything is waited for. */
  private async judge(key: object, watched: Watched): Promise<void> {
    const now = this.now();
    if (watched.dueAt > now || this.watched.get(key) !== watched) return;
    const { connection } = watched;
    watched.dueAt = dueAfter(connection.user, now);
    try {
      await this.parts.authenticator.authenticate(connection.request);
    } catch (error) {
      if (isAuthError(error) && error.code !== 'SERVER_ERROR') this.end(key, connection, error);
      // A failure of ours is no reason to close a connection, unless its token has expired long ago in any case.
      else if (endOf(connection.user) + patienceMs <= now) this.end(key, connection, expiredLongAgo());
    }
  }

  private end(key: object, connection: WatchedConnection, error: AuthError): void {
    this.watched.delete(key);
    if (!connection.isOpen()) return;
    const { code, reason, explanation } = error;
    this.parts.report({ type: 'refused', code, reason, explanation, handler: connection.handler, anonymous: false });
    connection.close(error);
  }

  private ringBy(at: number): void {
    if (at >= this.ringsAt) return;
    this.ringsAt = at;
    this.parts.timer.set(Math.max(0, at - this.now()), () => {
      this.ring();
    });
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}

/** When the credential expires; `NaN` where that is not known. */
function endOf({ expiresAt }: AuthUser): number {
  return expiresAt === null ? Number.NaN : Number(expiresAt);
}

function expiredLongAgo(): RefusalError {
  return RefusalError.token('expired', `It expired ${patienceMs / 1_000} s ago or more, and cannot be verified since`);
}

/** At the end of the token, and meanwhile every so often; after its end, until the tolerance is over. */
function dueAfter(user: AuthUser, now: number): number {
  // An Authenticator of the app's own may make users that do not say when they end.
  const endsAt = endOf(user);
  if (endsAt <= now) return now + graceStepMs;
  return Math.min(Number.isNaN(endsAt) ? Number.POSITIVE_INFINITY : endsAt, now + patienceMs);
}

/** A WebSocket of whatever package, or the plain socket below one. */
interface Socket {
  /** A number of the WebSocket standard; a plain socket has a word. */
  readonly readyState?: unknown;
  close?(code: number, reason: string): unknown;
  destroy?(): unknown;
}

const open = 1;

export function isSocketOpen(connection: object): boolean {
  const { readyState }: Socket = connection;
  return typeof readyState === 'number' ? readyState === open : readyState === 'open';
}

/** Closes a WebSocket with a code and a reason of at most 123 bytes; a plain socket, which knows no such, just ends. */
export function endSocket(connection: object, code: number, reason: string): void {
  const socket: Socket = connection;
  if (typeof socket.readyState === 'number') socket.close?.(code, reason);
  else socket.destroy?.();
}
