import { toHeaderlessBody } from '../challenge/error-answers.js';
import type { HttpRequest } from '../request/request-view.js';
import { endSocket, isSocketOpen, onEvents, type WatchedConnection } from '../transports/watched-connection.js';

/** The client object that gateways get: a socket of socket.io, or a WebSocket of ws. */
interface SocketClient {
  /** socket.io: the connection parameters, and the headers of the upgrade request. */
  readonly handshake?: { readonly auth?: unknown; readonly headers?: HttpRequest['headers'] };
  readonly request?: HttpRequest;
  readonly connected?: boolean;
  emit?(event: string, payload: object): unknown;
  disconnect?(): unknown;
  /** ws: the TCP socket, a private property of the package. */
  readonly _socket?: object | null;
}

/** The request by which a client has connected. */
export interface ConnectionRequest {
  readonly upgrade: HttpRequest | undefined;
  readonly connectionParameters: unknown;
}

/** Reads the connection request from the client. `undefined` for a client of ws, which does not hold its upgrade request. */
export function readConnectionRequest(client: object): ConnectionRequest | undefined {
  const { handshake, request }: SocketClient = client;
  if (handshake === undefined) return undefined;
  return {
    upgrade: request ?? { ...(handshake.headers && { headers: handshake.headers }) },
    connectionParameters: handshake.auth,
  };
}

function tcpSocketOf(client: object): object | undefined {
  const { _socket }: SocketClient = client;
  return _socket ?? undefined;
}

function isSocketIoClient(client: object): client is Required<Pick<SocketClient, 'emit' | 'disconnect'>> {
  const socket: SocketClient = client;
  return socket.handshake !== undefined && socket.emit !== undefined && socket.disconnect !== undefined;
}

function isConnected(client: object): boolean {
  const { connected }: SocketClient = client;
  return connected === true;
}

/** The part of an HTTP server that is used for upgrades. */
interface UpgradingServer {
  listenerCount(event: 'upgrade'): number;
  prependListener(event: 'upgrade', listener: (request: HttpRequest, connection: object) => void): unknown;
}

// The upgrade requests of ws, by client or by TCP socket.
const upgrades = new WeakMap<object, HttpRequest>();
const listening = new WeakSet();

/** Remembers the upgrade request of a client of ws, or of its TCP socket. ws passes the request on only once, when the client connects. */
export function keepUpgrade(client: object, request: HttpRequest): void {
  upgrades.set(client, request);
}

/**
 * Remembers the upgrade requests of the app's HTTP server, for apps that do not use `withAuth()`. It listens only if a gateway
 * listens already: Node answers an upgrade request as a usual request only while there is no listener.
 */
export function keepUpgradesOf(server: unknown): void {
  if (!isUpgrading(server) || listening.has(server) || server.listenerCount('upgrade') === 0) return;
  listening.add(server);
  server.prependListener('upgrade', (request, connection) => {
    keepUpgrade(connection, request);
  });
}

/** The connection request of a client; `undefined` if its upgrade request was not remembered. */
export function findConnectionRequest(client: object): ConnectionRequest | undefined {
  const known = readConnectionRequest(client);
  if (known !== undefined) return known;
  const tcpSocket = tcpSocketOf(client);
  const upgrade = upgrades.get(client) ?? (tcpSocket && upgrades.get(tcpSocket));
  return upgrade && { upgrade, connectionParameters: undefined };
}

function isUpgrading(server: unknown): server is UpgradingServer {
  return (
    typeof server === 'object' &&
    server !== null &&
    'listenerCount' in server &&
    typeof server.listenerCount === 'function'
  );
}

/** The close code: the range from 4000 is for applications, and 4401 follows HTTP's 401. */
const closeCode = 4401;

/**
 * How the connection watch closes a client: one of socket.io gets the event `unauthorized` and is disconnected, one of ws is closed
 * with 4401.
 */
export function toWatchedClient(
  client: object,
  call: Pick<WatchedConnection, 'request' | 'user' | 'handler' | 'online'>,
): WatchedConnection {
  if (!isSocketIoClient(client)) {
    return {
      ...call,
      isOpen: () => isSocketOpen(client),
      onClose: (listener) => {
        onEvents(client, ['close'], listener);
      },
      close: ({ code, reason }) => {
        endSocket(client, closeCode, reason === null ? code : `${code}: ${reason}`);
      },
    };
  }
  return {
    ...call,
    isOpen: () => isConnected(client),
    onClose: (listener) => {
      onEvents(client, ['disconnect'], listener);
    },
    close: (refusal) => {
      client.emit('unauthorized', toHeaderlessBody(refusal));
      client.disconnect();
    },
  };
}
