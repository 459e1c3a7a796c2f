import { Handshake } from './handshake.js';

/** The state of a client that socket.io keeps for a while, so that the client can recover it. */
interface SavedState {
  readonly sid: string;
  /** Who the client was. Added here. */
  recoveredBy?: string;
}

interface RecoveryAdapter {
  persistSession?(state: SavedState): unknown;
  restoreSession?(privateId: string, offset: string): PromiseLike<SavedState | null> | SavedState | null;
}

/** A namespace of socket.io, with its private method by which a client is added to it. */
export interface RecoveringNamespace {
  readonly adapter?: RecoveryAdapter;
  readonly sockets?: ReadonlyMap<string, object>;
  _add?(client: AddedClient, auth: unknown, added: unknown): unknown;
}

interface AddedClient {
  readonly request?: object;
}

export interface RecoveryParts {
  /** Whom the guards accept for a handshake; `null` if they refuse it. */
  readonly identify: (handshake: Handshake) => Promise<string | null>;
  /** Who a connected client is; `undefined` for a client that has passed no handshake. */
  readonly ownerOf: (client: object) => string | undefined;
}

const guarded = new WeakSet<object>();

/**
 * Lets a client of socket.io recover the state of a connection (its id, its rooms, `data` and the messages that it has missed) only
 * as the user whose connection it was. socket.io restores the state and sends the messages before any middleware runs, so the client
 * is authenticated before that, and what belongs to another user is not found.
 *
 * @returns whether the namespace was guarded before
 */
export function guardRecovery(namespace: RecoveringNamespace, { identify, ownerOf }: RecoveryParts): boolean {
  if (guarded.has(namespace)) return true;
  guarded.add(namespace);
  /** Who recovers a state at this moment: socket.io looks for the state while it adds the client, before it waits for anything. */
  let recovering: string | null = null;
  const add = namespace._add?.bind(namespace);
  const guardPresentAdapter = (): void => {
    guardAdapter(namespace, { ownerOf, recoveredBy: () => recovering });
  };
  guardPresentAdapter();
  if (add === undefined) return false;
  namespace._add = async (client, auth, added) => {
    const recoveredBy = isRecovery(auth) ? await identify(toHandshake(client, auth)) : null;
    guardPresentAdapter();
    recovering = recoveredBy;
    try {
      return add(client, auth, added);
    } finally {
      recovering = null;
    }
  };
  return false;
}

function isRecovery(auth: unknown): boolean {
  return typeof auth === 'object' && auth !== null && 'pid' in auth;
}

function toHandshake(client: AddedClient, auth: unknown): Handshake {
  return new Handshake(client, { upgrade: client.request, connectionParameters: auth });
}

/** Called for each client, because an app may replace the adapter. */
function guardAdapter(
  { adapter, sockets }: RecoveringNamespace,
  { ownerOf, recoveredBy }: Pick<RecoveryParts, 'ownerOf'> & { readonly recoveredBy: () => string | null },
): void {
  if (adapter === undefined || guarded.has(adapter)) return;
  guarded.add(adapter);
  const persist = adapter.persistSession?.bind(adapter);
  const restore = adapter.restoreSession?.bind(adapter);
  adapter.persistSession = (state) => {
    const client = sockets?.get(state.sid);
    const owner = client && ownerOf(client);
    return persist?.(owner === undefined ? state : { ...state, recoveredBy: owner });
  };
  adapter.restoreSession = async (privateId, offset) => {
    const owner = recoveredBy();
    const state = (owner === null ? null : await restore?.(privateId, offset)) ?? null;
    return state?.recoveredBy === owner ? state : null;
  };
}
