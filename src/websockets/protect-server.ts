import { ConfigurationError } from '../errors/auth-error.js';
import { Handshake } from './handshake.js';
import { readConnectionRequest } from './socket-client.js';

/** What a client is told that is not let in: as a response where it is ws, as an error's `data` where it is socket.io. */
export interface Rejection {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: string;
  readonly body: object;
}

/** Judges a handshake; `null` lets it in. Never throws. */
export type Judge = (handshake: Handshake) => Promise<Rejection | null>;

/** A server of socket.io, or one of its namespaces. */
interface IoServer {
  use(middleware: (socket: object, next: (error?: Error) => void) => void): unknown;
  readonly opts?: { connectionStateRecovery?: { skipMiddlewares?: boolean } };
  readonly server?: IoServer;
}

type Verified = (isVerified: boolean, status?: number, body?: string, headers?: Rejection['headers']) => void;

/** A server of ws. */
interface WsServer {
  readonly options: { verifyClient?: ((info: { readonly req: object }, done: Verified) => unknown) | null };
}

/**
 * Has every client judged before a server, or a namespace, connects it.
 *
 * @throws {ConfigurationError} for a server that is neither of socket.io nor of ws.
 */
export function protectServer(server: unknown, judge: Judge, handshakes: WeakMap<object, Handshake>): void {
  if (isIoServer(server)) protectIoServer(server, judge, handshakes);
  else if (isWsServer(server)) protectWsServer(server, judge, handshakes);
  else {
    throw new ConfigurationError(
      'withAuth(adapter)',
      'its servers are neither of socket.io nor of ws, so that anonymousCaller can be asked at the handshake',
      'Leave withAuth() out: the guard judges each message all the same',
    );
  }
}

function protectIoServer(server: IoServer, judge: Judge, handshakes: WeakMap<object, Handshake>): void {
  server.use((socket, next) => {
    const handshake = new Handshake(
      socket,
      readConnectionRequest(socket) ?? { upgrade: undefined, connectionParameters: undefined },
    );
    handshakes.set(socket, handshake);
    void judge(handshake).then((rejection) => {
      next(rejection === null ? undefined : Object.assign(new Error(rejection.message), { data: rejection.body }));
    });
  });
  // A client that comes back to what it missed would come in without being judged.
  const { connectionStateRecovery } = server.opts ?? server.server?.opts ?? {};
  if (connectionStateRecovery !== undefined) connectionStateRecovery.skipMiddlewares = false;
}

function protectWsServer({ options }: WsServer, judge: Judge, handshakes: WeakMap<object, Handshake>): void {
  const ownOfApp = options.verifyClient ?? (() => true);
  // ws waits only for who takes two arguments.
  options.verifyClient = (info, done) => {
    const handshake = new Handshake(info.req, { upgrade: info.req, connectionParameters: undefined });
    handshakes.set(info.req, handshake);
    void judge(handshake).then((rejection) => {
      if (rejection !== null) {
        const headers = { 'Content-Type': 'application/json', ...rejection.headers };
        done(false, rejection.status, JSON.stringify(rejection.body), headers);
      } else if (ownOfApp.length === 2) ownOfApp(info, done);
      else done(Boolean((ownOfApp as (given: object) => unknown)(info)));
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
