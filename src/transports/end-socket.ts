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
