import { findCallUser } from '../transports/call-user.js';
import type { TransportPlugin } from '../transports/transport.js';
import type { AuthUser } from '../user/auth-user.js';
import { HandshakeTransport } from './handshake.transport.js';
import { MessageTransport } from './message.transport.js';

const plugin: TransportPlugin = Object.freeze({
  contextType: 'ws',
  open: (context) => [new MessageTransport(context), new HandshakeTransport(context)],
} satisfies TransportPlugin);

/**
 * Makes the guard, the decorators and `@CurrentUser()` work on gateways, with socket.io and with ws:
 *
 * ```ts
 * AuthModule.forRoot({ issuers, transports: [webSockets()] })
 * ```
 *
 * The token is read from the upgrade request, in a header or a cookie, or from `auth.token` of socket.io. It is verified again at
 * each message, and the connection is closed when the token expires. Use `withAuth()` for the adapter as well, so that clients
 * without a valid token are not connected to guarded gateways.
 */
export function webSockets(): TransportPlugin {
  return plugin;
}

/**
 * The user of a connected client, for code that has the client and no message, such as `handleConnection` and `handleDisconnect`:
 * an `AuthUser`, or the result of the app's `toUser`. `null` for an anonymous client, and for every client of an adapter without
 * `withAuth()`.
 */
// The caller states the type, because only the app knows what its toUser returns.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function userOf<User = AuthUser>(client: object): User | null {
  return (findCallUser(client, client) ?? null) as User | null;
}
