import { toHeaderlessBody } from '../challenge/headerless-body.js';
import type { WatchedConnection } from '../transports/connection-watch.js';
import { endSocket, isSocketOpen } from '../transports/end-socket.js';
import type { RequestView } from '../request/request-view.js';
import type { AuthUser } from '../user/auth-user.js';
import { isConnected, isOfSocketIo } from './socket-client.js';

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
