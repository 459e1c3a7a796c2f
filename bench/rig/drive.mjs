// One connection of a client with plain sockets, which take little processor time from the server on the same machine.
import { connect } from 'node:net';

function lengthOf(head) {
  const found = /\r\ncontent-length: (\d+)/i.exec(head);
  if (found !== null) return Number(found[1]);
  if (/^HTTP\/1.1 204/.test(head)) return 0;
  throw new Error('An answer without a content-length');
}

/**
 * Sends a request as soon as the one before is answered.
 *
 * @param {{ port: number, next: () => string | undefined, note: (status: string, ms: number, head: string) => void }} plan
 *   `next` returns the text of the next request, or undefined after the last one. Until then it is called after `note`.
 */
export function drive({ port, next, note }) {
  return new Promise((done, fail) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let pending = '';
    let sentAt = 0;
    const send = () => {
      const request = next();
      if (request === undefined) {
        socket.end();
        done();
        return;
      }
      sentAt = performance.now();
      socket.write(request, 'latin1');
    };
    socket.on('connect', send);
    socket.on('error', fail);
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = pending.slice(0, headEnd);
      if (pending.length < headEnd + 4 + lengthOf(head)) return;
      pending = '';
      note(head.slice(9, 12), performance.now() - sentAt, head);
      send();
    });
  });
}

/** Collects what `note` is told. */
export class Notes {
  #began = performance.now();
  #statuses = {};
  #times = [];

  add(status, ms) {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#times.push(ms);
  }

  summary() {
    const times = this.#times.sort((a, b) => a - b);
    const at = (part) => times[Math.floor((times.length - 1) * part)];
    const seconds = (performance.now() - this.#began) / 1000;
    return { requests: times.length, seconds, statuses: this.#statuses, p50: at(0.5), p99: at(0.99) };
  }
}
