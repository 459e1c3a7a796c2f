import { guardRecovery, type RecoveringNamespace, type RecoveryParts } from './connection-recovery.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { Handshake } from './handshake.js';
import { readConnectionRequest } from './socket-client.js';

/** What a refused client gets: with ws an HTTP response, with socket.io the `data` of an error. */
export interface Rejection {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: string;
  readonly body: object;
}

/** Runs the guards for a handshake. Resolves to `null` if they accept it. Never rejects. */
export type CheckHandshake = (handshake: Handshake) => Promise<Rejection | null>;

/** A server of socket.io, or one of its namespaces. */
interface IoServer extends RecoveringNamespace {
  use(middleware: (socket: object, next: (error?: Error) => void) => void): unknown;
  on(event: 'connection', listener: (socket: object) => void): unknown;
  readonly opts?: { connectionStateRecovery?: { skipMiddlewares?: boolean } };
  readonly server?: IoServer;
  /** The sockets of a namespace; of a server, its namespace `/`. */
  readonly sockets?: RecoveringNamespace['sockets'] & RecoveringNamespace;
}

/** A socket of socket.io that is about to connect. */
interface IoSocket {
  readonly nsp?: RecoveringNamespace;
  readonly recovered?: boolean;
}

type Verified = (isVerified: boolean, status?: number, body?: string, headers?: Rejection['headers']) => void;

/** A server of ws. */
interface WsServer {
  readonly options: { verifyClient?: ((info: { readonly req: object }, done: Verified) => unknown) | null };
}

/**
 * Makes a server, or a namespace, check each handshake before it connects the client.
 *
 * @param handshakes gets the handshake by its `request` object
 * @throws {ConfigurationError} for a server that is neither of socket.io nor of ws.
 */
export function protectServer(server: unknown, check: CheckHandshake, handshakes: WeakMap<object, Handshake>): void {
  if (isIoServer(server)) protectIoServer(server, check, handshakes);
  else if (isWsServer(server)) protectWsServer(server, check, handshakes);
  else {
    throw new ConfigurationError(
      'withAuth(adapter)',
      'its servers are neither of socket.io nor of ws, so handshakes cannot be checked',
      'Remove withAuth(): the guard checks each message without it, too',
    );
  }
}

function protectIoServer(server: IoServer, check: CheckHandshake, handshakes: WeakMap<object, Handshake>): void {
  const recovery: RecoveryParts = {
    identify: async (handshake) => ((await check(handshake)) === null ? handshake.owner : null),
    ownerOf: (client) => handshakes.get(client)?.owner,
  };
  guardRecovery(namespaceOf(server), recovery);
  server.use((socket, next) => {
    const { nsp, recovered }: IoSocket = socket;
    // A namespace that was created for this client, by a pattern.
    if (nsp !== undefined && !guardRecovery(nsp, recovery) && recovered === true) {
      next(new Error('The state of the connection cannot be recovered'));
      return;
    }
    const handshake = new Handshake(
      socket,
      readConnectionRequest(socket) ?? { upgrade: undefined, connectionParameters: undefined },
    );
    handshakes.set(socket, handshake);
    void check(handshake).then((rejection) => {
      next(rejection === null ? undefined : Object.assign(new Error(rejection.message), { data: rejection.body }));
    });
  });
  // Nest tells the adapter of the clients of gateways only, and the default namespace may have none.
  server.on('connection', (socket) => {
    handshakes.get(socket)?.complete(socket);
  });
  // With connection state recovery, socket.io would reconnect clients without running the middleware above.
  const { connectionStateRecovery } = server.opts ?? server.server?.opts ?? {};
  if (connectionStateRecovery !== undefined) connectionStateRecovery.skipMiddlewares = false;
}

/** The gateways without a namespace have the server itself, whose clients are in its namespace `/`. */
function namespaceOf(server: IoServer): RecoveringNamespace {
  return server._add === undefined && server.sockets !== undefined ? server.sockets : server;
}

function protectWsServer({ options }: WsServer, check: CheckHandshake, handshakes: WeakMap<object, Handshake>): void {
  const appVerifier = options.verifyClient ?? (() => true);
  // A verifyClient with two parameters is asynchronous for ws; one with fewer returns its result.
  options.verifyClient = (info, done) => {
    const handshake = new Handshake(info.req, { upgrade: info.req, connectionParameters: undefined });
    handshakes.set(info.req, handshake);
    void check(handshake).then((rejection) => {
      if (rejection !== null) {
        const headers = { 'Content-Type': 'application/json', ...rejection.headers };
        done(false, rejection.status, JSON.stringify(rejection.body), headers);
      } else if (appVerifier.length === 2) appVerifier(info, done);
      else done(Boolean((appVerifier as (given: object) => unknown)(info)));
    });
  };
}

function isIoServer(server: unknown): server is IoServer {
  return isObject(server) && 'use' in server && typeof server.use === 'function';
}

function isWsServer(server: unknown): server is WsServer {
  return isObject(server) && 'handleUpgrade' in server && 'options' in server && isObject(server.options);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
