import { findCallUser } from '../transports/call-user.js';
import type { TransportPlugin } from '../transports/transport.js';
import type { AuthUser } from '../user/auth-user.js';
import { HandshakeTransport } from './handshake.transport.js';
import { MessageTransport } from './message.transport.js';

const transport: TransportPlugin = Object.freeze({
  contextType: 'ws',
  open: (context) => [new MessageTransport(context), new HandshakeTransport(context)],
} satisfies TransportPlugin);

/**
 * Lets the guard, the marks and `@CurrentUser()` work on gateways, with socket.io and with ws:
 *
 * ```ts
 * AuthModule.forRoot({ issuers, transports: [webSockets()] })
 * ```
 *
 * The token comes with the request that opens the socket, in a header or a cookie, or as `auth.token` of
 * socket.io; it is judged again at each message, and a connection ends with its token. Put `withAuth()` around the
 * adapter as well, so that anonymousCaller is connected who brings none.
 */
export function webSockets(): TransportPlugin {
  return transport;
}

/**
 * The user whom the handshake has found, for `handleConnection`, `handleDisconnect` and whatever else has the client
 * and no message: an `AuthUser`, or what `toUser` made of it. `null` for a guest, and for every client of an adapter
 * without `withAuth()`.
 */
// Only the app knows what its toUser makes, and says so here.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function userOf<User = AuthUser>(client: object): User | null {
  return (findCallUser(client, client) ?? null) as User | null;
}
