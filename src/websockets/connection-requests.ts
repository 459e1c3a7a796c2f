import type { HttpRequest } from '../request/http-request-view.js';
import { connectionBelow, type ConnectionRequest, readConnectionRequest } from './socket-client.js';

/** An HTTP server, as far as upgrades go. */
interface UpgradingServer {
  listenerCount(event: 'upgrade'): number;
  prependListener(event: 'upgrade', listener: (request: HttpRequest, connection: object) => void): unknown;
}

// By client, or by the connection below it. Of the process: what a second installed copy keeps is anonymousCaller's loss.
const upgrades = new WeakMap<object, HttpRequest>();
const listening = new WeakSet();

/** Keeps the request that a client of ws came with: ws hands it over once, when the client connects. */
export function keepUpgrade(client: object, request: HttpRequest): void {
  upgrades.set(client, request);
}

/**
 * Keeps those of an app's own server by itself, for apps whose adapter does not hand them over. Only where gateways
 * listen to upgrades already: a server that anonymousCaller upgrades has to go on answering such requests.
 */
export function keepUpgradesOf(server: unknown): void {
  if (!isUpgrading(server) || listening.has(server) || server.listenerCount('upgrade') === 0) return;
  listening.add(server);
  server.prependListener('upgrade', (request, connection) => {
    keepUpgrade(connection, request);
  });
}

/** What a client connected with; `undefined` when that went by unseen. */
export function findConnectionRequest(client: object): ConnectionRequest | undefined {
  const opening = readConnectionRequest(client);
  if (opening !== undefined) return opening;
  const below = connectionBelow(client);
  const upgrade = upgrades.get(client) ?? (below && upgrades.get(below));
  return upgrade && { upgrade, connectionParameters: undefined };
}

function isUpgrading(server: unknown): server is UpgradingServer {
  return (
    typeof server === 'object' &&
    server !== null &&
    'listenerCount' in server &&
    typeof server.listenerCount === 'function'
  );
}
