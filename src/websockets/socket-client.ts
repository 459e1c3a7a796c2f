import { toHeaderlessBody } from '../challenge/error-answers.js';
import type { HttpRequest, RequestView } from '../request/request-view.js';
import { endSocket, isSocketOpen, type WatchedConnection } from '../transports/connection-watch.js';
import type { AuthUser } from '../user/auth-user.js';

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
function connectionBelow(client: object): object | undefined {
  const { _socket }: SocketClient = client;
  return _socket ?? undefined;
}

/** Whether it is of socket.io, which can be told things by name. */
function isOfSocketIo(client: object): client is Required<Pick<SocketClient, 'emit' | 'disconnect'>> {
  const socket: SocketClient = client;
  return socket.handshake !== undefined && socket.emit !== undefined && socket.disconnect !== undefined;
}

function isConnected(client: object): boolean {
  const { connected }: SocketClient = client;
  return connected === true;
}

/** An HTTP server, as far as upgrades go. */
interface UpgradingServer {
  listenerCount(event: 'upgrade'): number;
  prependListener(event: 'upgrade', listener: (request: HttpRequest, connection: object) => void): unknown;
}

// By client, or by the connection below it. Of the process: what a second installed copy keeps is anonymousCaller's loss.
const upgrades = new WeakMap<object, HttpRequest>();
const listening = new WeakSet();

/** Keeps the request that a client of ws came with: ws hands it over once, when the client connects. */
export function keepUpgrade(client: object, request: HttpRequest): void {
  upgrades.set(client, request);
}

/**
 * Keeps those of an app's own server by itself, for apps whose adapter does not hand them over. Only where gateways
 * listen to upgrades already: a server that anonymousCaller upgrades has to go on answering such requests.
 */
export function keepUpgradesOf(server: unknown): void {
  if (!isUpgrading(server) || listening.has(server) || server.listenerCount('upgrade') === 0) return;
  listening.add(server);
  server.prependListener('upgrade', (request, connection) => {
    keepUpgrade(connection, request);
  });
}

/** What a client connected with; `undefined` when that went by unseen. */
export function findConnectionRequest(client: object): ConnectionRequest | undefined {
  const opening = readConnectionRequest(client);
  if (opening !== undefined) return opening;
  const below = connectionBelow(client);
  const upgrade = upgrades.get(client) ?? (below && upgrades.get(below));
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

/** A code of the range for applications, made after HTTP's 401. */
const closeCode = 4401;

/** A client whose token is watched: when it ends, socket.io is told `unauthorized` and let go, ws is closed with 4401. */
export function toWatchedClient(
  client: object,
  { request, user, handler }: { readonly request: RequestView; readonly user: AuthUser; readonly handler: string },
): WatchedConnection {
  if (!isOfSocketIo(client)) {
    return {
      ...{ request, user, handler },
      isOpen: () => isSocketOpen(client),
      close: ({ code, reason }) => {
        endSocket(client, closeCode, reason === null ? code : `${code}: ${reason}`);
      },
    };
  }
  return {
    ...{ request, user, handler },
    isOpen: () => isConnected(client),
    close: (refusal) => {
      client.emit('unauthorized', toHeaderlessBody(refusal));
      client.disconnect();
    },
  };
}
