/** Clients of a provider on a real server that answers as a test says. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { afterEach } from 'vitest';
import { HttpClient } from '../../../src/upstream/http-client.js';
import type { Fetch, HttpLimits } from '../../../src/upstream/http-exchange.js';
import { type AnsweringServer, startServer } from '../../support/answering-server.js';
import { ManualClock } from '../../support/manual-clock.js';

export interface OpenedClient {
  readonly client: HttpClient;
  readonly server: AnsweringServer;
  readonly clock: ManualClock;
}

const opened: HttpClient[] = [];

/** Opens a client on a server of its own; ends with the test. */
export async function openClient(
  answer: RequestListener,
  { fetch, ...limits }: Partial<HttpLimits> & { readonly fetch?: Fetch } = {},
): Promise<OpenedClient> {
  const server = await startServer(answer);
  const clock = new ManualClock();
  const client = new HttpClient({ origin: server.url, keepAlive: true, retry: true, fetch, clock, limits });
  opened.push(client);
  return { client, server, clock };
}

/** Gives the answers in turn, and the last one from then on. */
export function inTurn(...answers: readonly RequestListener[]): RequestListener {
  let next = 0;
  return (request, response) => {
    answers[Math.min(next, answers.length - 1)]?.(request, response);
    next += 1;
  };
}

export const sendJson =
  (body: unknown, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

export const sendStatus =
  (status: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end('out of order');
  };

/** Answers that are none, by what is wrong with them. */
export const troubles = {
  hang: () => undefined,
  reset: (request: IncomingMessage) => {
    request.socket.resetAndDestroy();
  },
  garbage: (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('<html>secret</html>');
  },
  'half a body': (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"id":', () => {
      request.socket.destroy();
    });
  },
} satisfies Record<string, RequestListener>;

afterEach(async () => {
  await Promise.all(opened.splice(0).map((client) => client.close()));
});
