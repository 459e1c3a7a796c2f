import type { Answer } from '../challenge/error-answers.js';
import type { AuthError } from '../errors/auth-error.js';
import { setCallUser } from '../transports/call-user.js';
import type { Caller } from '../transports/transport.js';
import type { ConnectionRequest } from './socket-client.js';

/** Has a client watched, for as long as it is connected. */
export type Watch = (client: object) => void;

/** A client on its way in: nothing of the app has seen it. */
export class Handshake {
  private user: unknown = null;
  private readonly watches: Watch[] = [];

  constructor(
    /** What stands for it meanwhile: the socket of socket.io, the request that ws is to upgrade. */
    readonly request: object,
    readonly opening: ConnectionRequest,
  ) {}

  /** Called for each of the gateways that the client connects to at once. */
  admit({ user }: Caller, watch: Watch | null): void {
    this.user ??= user;
    if (watch !== null) this.watches.push(watch);
  }

  /** Makes the client that it has become the user's. */
  adopt(client: object): void {
    setCallUser(client, client, this.user);
    for (const watch of this.watches.splice(0)) watch(client);
  }
}

/** What the guard throws for a client that it does not let in. */
export class HandshakeRefusal extends Error {
  constructor(
    readonly answer: Answer,
    override readonly cause: AuthError,
  ) {
    super(cause.message);
  }
}

/** A class of an app. */
export type Gateway = (new (...parts: never[]) => object) & { readonly name: string };

/** Nest's name-to-be of the contexts of handshakes: Nest itself knows none. */
export const handshakeType = 'ws-handshake';

/** Gateways need not have one; marks on it are those of the handshake alone. */
function handleConnection(): void {
  // Never called.
}

/** The execution context that the guard is handed for a handshake, with what it reads of those that Nest makes. */
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
    throw new TypeError('A handshake has no client yet');
  }
}
