import type { Answer } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import { setCallUser } from '../transports/call-user.js';
import type { Caller } from '../transports/transport.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ConnectionRequest } from './socket-client.js';

/** Starts to watch the connection of a client, which is closed when its token expires or is refused. */
export type WatchClient = (client: object) => void;

/** A client that is about to connect. No code of the app gets it before the guards have accepted it. */
export class Handshake {
  private user: unknown = null;
  private verified: AuthUser | null = null;
  private readonly watches: WatchClient[] = [];

  constructor(
    /** The object that identifies the handshake: the socket of socket.io, or the upgrade request of ws. */
    readonly request: object,
    readonly connectionRequest: ConnectionRequest,
  ) {}

  /** Called for each guard that accepts the client. The client may connect to several gateways at once; the first user counts. */
  admit({ user, verified }: Caller, watch: WatchClient): void {
    this.user ??= user;
    this.verified ??= verified;
    this.watches.push(watch);
  }

  /** Who the client is, as one text: the same for two handshakes of one user. All anonymous clients have the same. */
  get owner(): string {
    return this.verified === null ? 'anonymous' : JSON.stringify([this.verified.issuer, this.verified.id]);
  }

  /** Sets the user of the connected client and starts to watch its connection. */
  complete(client: object): void {
    setCallUser(client, client, this.user);
    for (const watch of this.watches.splice(0)) watch(client);
  }
}

/** The exception of the guard for a client that it refuses. */
export class HandshakeRefusal extends Error {
  constructor(
    readonly answer: Answer,
    override readonly cause: AuthError,
  ) {
    super(cause.message);
  }
}

/** The class of a gateway. */
export type Gateway = (new (...parts: never[]) => object) & { readonly name: string };

/** The type of handshake contexts. It is our own, because Nest has no contexts for handshakes. */
export const handshakeType = 'ws-handshake';

/** The handler of a handshake with a gateway that has no `handleConnection`. It has no metadata, and is never called. */
function handleConnection(): void {
  // Nothing to do.
}

/** The execution context of a handshake. It has the methods of Nest's `ExecutionContext` that guards use. */
export class HandshakeContext {
  constructor(
    private readonly gateway: Gateway,
    private readonly handshake: Handshake,
  ) {}

  getClass(): Gateway {
    return this.gateway;
  }

  getHandler(): () => void {
    const { handleConnection: own } = this.gateway.prototype as { handleConnection?: () => void };
    return own ?? handleConnection;
  }

  getType(): string {
    return handshakeType;
  }

  getArgs(): readonly unknown[] {
    return [this.handshake];
  }

  getArgByIndex(index: number): unknown {
    return this.getArgs()[index];
  }

  switchToHttp(): never {
    throw new TypeError('A handshake is no HTTP call');
  }

  switchToRpc(): never {
    throw new TypeError('A handshake is no message of a microservice');
  }

  switchToWs(): never {
    throw new TypeError(
      'A handshake has no client and no message yet. Require a policy that reads a message on the handlers, not on the class',
    );
  }
}
