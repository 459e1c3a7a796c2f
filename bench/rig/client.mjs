// Sends single requests and returns their results. Connections are kept alive.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export class Client {
  #agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(port) {
    this.port = port;
  }

  /** @returns {Promise<{ status: number | 'no answer', ms: number }>} 'no answer': not in time, or the connection broke */
  send(token, { path = '/me', capMs = 40_000 } = {}) {
    const began = performance.now();
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return new Promise((done) => {
      const finish = (status) => done({ status, ms: performance.now() - began });
      const where = { host: '127.0.0.1', port: this.port, path, headers, agent: this.#agent };
      const asked = get(where, (response) => {
        clearTimeout(deadline);
        response.resume().on('end', () => finish(response.statusCode));
      });
      const deadline = setTimeout(() => asked.destroy(new Error('cap')), capMs);
      asked.on('error', () => finish('no answer'));
    });
  }

  /** Sends requests at a constant rate without waiting for responses, and returns all responses. */
  async sendSteadily(nextToken, { perSecond, seconds = Infinity, signal, capMs }) {
    const answers = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end && signal?.aborted !== true) {
      answers.push(this.send(nextToken(), { capMs }));
      await sleep(1000 / perSecond);
    }
    return Promise.all(answers);
  }

  /** Sends a request every 250 ms until one has the status. @returns the seconds until then, or null after the limit */
  async waitFor(status, nextToken, capSeconds) {
    const began = performance.now();
    while (performance.now() - began < capSeconds * 1000) {
      const answer = await this.send(nextToken(), { capMs: capSeconds * 1000 });
      if (answer.status === status) return (performance.now() - began) / 1000;
      await sleep(250);
    }
    return null;
  }

  close() {
    this.#agent.destroy();
  }
}
