import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { postgresUrl } from './postgres.js';

/** Stands between the code under test and PostgreSQL: refuses connections, forwards them, or keeps silent. */
export class DatabaseProxy {
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  private isSilent = false;
  private port = 0;

  /** The URL of the database through the proxy. */
  get url(): string {
    const url = new URL(postgresUrl);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  /** A proxy that refuses, on a port that stays its own. */
  static async start(): Promise<DatabaseProxy> {
    const proxy = new DatabaseProxy();
    await proxy.forward();
    await proxy.refuse();
    return proxy;
  }

  /** Refuses new connections and breaks those that are open, as a server that was stopped. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = null;
    for (const socket of this.sockets) socket.destroy();
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }

  async forward(): Promise<void> {
    this.isSilent = false;
    await this.listen();
  }

  /** Takes connections and answers nothing; what is sent on open ones is lost too. */
  async keepSilent(): Promise<void> {
    this.isSilent = true;
    await this.listen();
  }

  private async listen(): Promise<void> {
    if (this.server !== null) return;
    const server = createServer((socket) => {
      this.serve(socket);
    });
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  private serve(socket: Socket): void {
    this.track(socket);
    if (this.isSilent) {
      socket.resume();
      return;
    }
    const { hostname, port } = new URL(postgresUrl);
    const upstream = connect(Number(port || 5432), hostname);
    this.track(upstream);
    socket.on('data', (data) => {
      if (!this.isSilent) upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (!this.isSilent) socket.write(data);
    });
    socket.on('close', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  }
}
