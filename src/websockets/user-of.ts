import { findCallUser } from '../transports/call-user.js';
import type { AuthUser } from '../user/auth-user.js';

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
