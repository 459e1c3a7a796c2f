// A TCP proxy in front of PostgreSQL that can be cut, as when the server is stopped: connections break, new ones are refused.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { databaseUrl } from '../rig/database.mjs';

export class DatabaseCut {
  #server = null;
  #sockets = new Set();
  #port = 0;

  get url() {
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${this.#port}`;
    return url.href;
  }

  async open() {
    const { hostname, port } = new URL(databaseUrl);
    this.#server = createServer((socket) => {
      const upstream = connect(Number(port || 5432), hostname);
      for (const one of [socket, upstream]) {
        this.#sockets.add(one);
        one.on('error', () => undefined).on('close', () => this.#sockets.delete(one));
      }
      socket.pipe(upstream).pipe(socket);
      socket.on('close', () => upstream.destroy());
      upstream.on('close', () => socket.destroy());
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = this.#server.address().port;
  }

  async cut() {
    const server = this.#server;
    for (const socket of this.#sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}
