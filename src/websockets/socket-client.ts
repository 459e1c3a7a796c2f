import type { HttpRequest } from '../request/http-request-view.js';

/** A client as gateways are handed it: a socket of socket.io, or a WebSocket of ws. */
interface SocketClient {
  /** socket.io: the request that the connection began with, and what the client said when it connected. */
  readonly handshake?: { readonly auth?: unknown; readonly headers?: HttpRequest['headers'] };
  readonly request?: HttpRequest;
  readonly connected?: boolean;
  emit?(event: string, payload: object): unknown;
  disconnect?(): unknown;
  /** ws: the connection below, which its package keeps for itself. */
  readonly _socket?: object | null;
}

/** What a client connected with, as far as the client itself shows it. */
export interface ConnectionRequest {
  readonly upgrade: HttpRequest | undefined;
  readonly connectionParameters: unknown;
}

/** `undefined` for a client of ws, which does not keep the request that was upgraded. */
export function readConnectionRequest(client: object): ConnectionRequest | undefined {
  const { handshake, request }: SocketClient = client;
  if (handshake === undefined) return undefined;
  return {
    upgrade: request ?? { ...(handshake.headers && { headers: handshake.headers }) },
    connectionParameters: handshake.auth,
  };
}

/** The connection below a client of ws. */
export function connectionBelow(client: object): object | undefined {
  const { _socket }: SocketClient = client;
  return _socket ?? undefined;
}

/** Whether it is of socket.io, which can be told things by name. */
export function isOfSocketIo(client: object): client is Required<Pick<SocketClient, 'emit' | 'disconnect'>> {
  const socket: SocketClient = client;
  return socket.handshake !== undefined && socket.emit !== undefined && socket.disconnect !== undefined;
}

export function isConnected(client: object): boolean {
  const { connected }: SocketClient = client;
  return connected === true;
}
