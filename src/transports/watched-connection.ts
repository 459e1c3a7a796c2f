import { type AuthError, RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { AuthUser } from '../user/auth-user.js';

/** An open connection or stream of an authenticated user. */
export interface WatchedConnection {
  /** The request that is authenticated again at each check. */
  readonly request: RequestView;
  readonly user: AuthUser;
  /** The handler to name in the log: `ChatGateway.send`. */
  readonly handler: string;
  /**
   * Whether the issuer is asked at each check, because a handler of the connection requires `@VerifyOnline()`.
   *
   * @defaultValue false
   */
  readonly online?: boolean | undefined;
  isOpen(): boolean;
  /**
   * Whether it may be closed by now. Until then its token is not verified again. Without this method, it may be closed at any
   * time.
   */
  hasBegun?(): boolean;
  /**
   * Calls the listener when the connection is closed. Without this method, a closed connection stays in memory until its
   * next check, for up to a minute.
   */
  onClose?(listener: () => void): void;
  /** Sends the reason to the client and closes the connection. */
  close(refusal: AuthError): void;
}

/** Connections that are not watched one by one yet, because most of them are closed before they would be verified. */
export interface ConnectionSource {
  readonly size: number;
  /** Watches all of them from now on. */
  handOver(): void;
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

/** Calls the listener at any of these events. A connection of a package without Node's event emitters has none. */
export function onEvents(connection: object, events: readonly string[], listener: () => void): void {
  const { once }: { once?: unknown } = connection;
  if (typeof once !== 'function') return;
  for (const event of events) Reflect.apply(once, connection, [event, listener]);
}

/** When the credential of a user expires, in milliseconds since 1970; `NaN` where it does not. */
export function expiryOf({ expiresAt }: AuthUser): number {
  return expiresAt === null ? Number.NaN : Number(expiresAt);
}

/** The refusal of a connection whose token could not be verified for so long after it has expired. */
export function expiredLongAgo(milliseconds: number): RefusalError {
  return RefusalError.token(
    'expired',
    `It expired at least ${milliseconds / 1_000} s ago, and could not be verified since`,
  );
}

export function sessionEnded(): RefusalError {
  return RefusalError.token('expired', 'It has expired, and its session is no longer active');
}
