import { NodeTimer } from '../clock/clock.js';

/** The part of a connection of `pg` that is used: it speaks the protocol, over TLS where its client does. */
interface Connection {
  readonly stream: { destroy(): void; unref?(): void };
  connect(port: number, host: string): void;
  cancel(processId: number, secretKey: unknown): void;
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): unknown;
}

/** What a connected client of `pg` knows of its server. Other drivers of the same form have nothing of it. */
interface ConnectedClient {
  readonly connection: { readonly constructor: new (options: object) => Connection; readonly sslNegotiation?: string };
  readonly host: string;
  readonly port: number;
  readonly ssl?: unknown;
  readonly processID: number;
  readonly secretKey: unknown;
}

/** The server acknowledges by closing the connection. One that does not is down, and its statements end with it. */
const patienceMs = 1_000;

/**
 * Asks the server to cancel what a client is running (PostgreSQL, "Canceling Requests in Progress"). To close the connection
 * of the client is not enough: a statement that waits for a lock would go on waiting, and keep its place among the connections
 * of the server. Resolves when the server has received it, or cannot be asked; never rejects.
 */
export function cancelStatement(client: object): Promise<void> {
  if (!isConnected(client)) return Promise.resolve();
  const { connection, host, port, ssl = false, processID, secretKey } = client;
  const { constructor: ConnectionOfDriver, sslNegotiation } = connection;
  const timer = new NodeTimer();
  return new Promise((resolve) => {
    const other = new ConnectionOfDriver({ ssl, sslNegotiation });
    const end = (): void => {
      timer.clear();
      other.stream.destroy();
      resolve();
    };
    other.on('error', end);
    other.on('end', end);
    other.on(ssl === false ? 'connect' : 'sslconnect', () => {
      other.cancel(processID, secretKey);
    });
    timer.set(patienceMs, end);
    // As `pg` does: a host that is a path is the directory of a Unix socket.
    if (host.startsWith('/')) other.connect(`${host}/.s.PGSQL.${port}` as unknown as number, '');
    else other.connect(port, host);
  });
}

function isConnected(client: object): client is ConnectedClient {
  const { connection, host, port, processID }: Partial<Record<keyof ConnectedClient, unknown>> = client;
  const hasAddress = typeof host === 'string' && typeof port === 'number' && typeof processID === 'number';
  return hasAddress && typeof connection === 'object' && connection !== null && 'cancel' in connection;
}
