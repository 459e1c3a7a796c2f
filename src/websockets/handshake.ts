import type { Answer } from '../challenge/answer.js';
import type { AuthError } from '../errors/auth-error.js';
import type { Caller } from '../transports/transport.js';
import { setCallUser } from '../transports/call-user.js';
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
