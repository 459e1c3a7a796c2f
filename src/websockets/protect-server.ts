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
interface IoServer {
  use(middleware: (socket: object, next: (error?: Error) => void) => void): unknown;
  on(event: 'connection', listener: (socket: object) => void): unknown;
  readonly opts?: { connectionStateRecovery?: { skipMiddlewares?: boolean } };
  readonly server?: IoServer;
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
  server.use((socket, next) => {
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
