// A key server on loopback that counts requests and can simulate faults.
import { createServer } from 'node:http';

const json = { 'content-type': 'application/json' };

const behaviours = {
  ok: (server, response) => {
    const headers =
      server.maxAgeSeconds === undefined ? json : { ...json, 'cache-control': `max-age=${server.maxAgeSeconds}` };
    response.writeHead(200, headers).end(JSON.stringify({ keys: server.keys }));
  },
  503: (_, response) => response.writeHead(503, { 'content-type': 'text/plain' }).end('no'),
  garbage: (_, response) => response.writeHead(200, json).end('{"keys":[{"kty":'),
  reset: (_, response) => response.socket.resetAndDestroy(),
  useless: (server, response) => {
    const keys = server.keys.map((key) => ({ ...key, use: 'enc' }));
    response.writeHead(200, json).end(JSON.stringify({ keys }));
  },
  empty: (_, response) => response.writeHead(200, json).end('{"keys":[]}'),
  redirect: (server, response) => response.writeHead(302, { location: server.elsewhere }).end(),
  // The request is accepted and never answered.
  hang: () => undefined,
  // The headers are sent at once, then a space every 100 ms without end, so that the socket is never idle.
  drip: (_, response) => {
    response.writeHead(200, json).write('{');
    const timer = setInterval(() => response.write(' '), 100);
    response.on('close', () => clearInterval(timer));
  },
};

export class KeyServer {
  keys = [];
  fetches = 0;
  delayMs = 0;
  maxAgeSeconds = undefined;
  /** The target of `redirect`. */
  elsewhere = '';
  #behaviour = 'ok';
  #port = 0;
  #server;

  static async start(keys, options = {}) {
    const server = new KeyServer();
    Object.assign(server, options, { keys });
    await server.#listen();
    return server;
  }

  get jwksUri() {
    return `http://127.0.0.1:${this.#port}/.well-known/jwks.json`;
  }

  /** @param {'ok' | '503' | 'reset' | 'garbage' | 'empty' | 'useless' | 'redirect' | 'hang' | 'drip' | 'down'} behaviour down: connections are refused */
  async behave(behaviour) {
    const before = this.#behaviour;
    this.#behaviour = behaviour;
    if (behaviour === 'down') await this.#close();
    else if (before === 'down') await this.#listen();
    // Hanging requests are closed at the recovery, as by a restart of the server.
    else if (behaviour === 'ok') this.#server.closeAllConnections();
  }

  async stop() {
    if (this.#server.listening) await this.#close();
  }

  async #listen() {
    this.#server = createServer((_, response) => {
      this.fetches += 1;
      const answer = () => behaviours[this.#behaviour]?.(this, response);
      if (this.delayMs > 0) setTimeout(answer, this.delayMs);
      else answer();
    });
    await new Promise((done, fail) => this.#server.once('error', fail).listen(this.#port, '127.0.0.1', done));
    this.#port = this.#server.address().port;
  }

  async #close() {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }
}
