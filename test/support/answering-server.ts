/** A real server on loopback with responses that a test writes itself, including ones that no issuer would send. */
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface AnsweringServer {
  /** Without a trailing slash. */
  readonly url: string;
  /** The requests, in order. */
  readonly requests: readonly SeenRequest[];
}

const running: Server[] = [];

/** Starts a server that listens until the test ends. */
export async function startServer(answer: RequestListener): Promise<AnsweringServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** Responds to each path with its document as JSON, and to other paths with 404. A test may modify the table. */
export function startDocuments(documents: Record<string, unknown>): Promise<AnsweringServer> {
  return startServer((request, response) => {
    const path = request.url ?? '';
    if (!Object.hasOwn(documents, path)) {
      response.writeHead(404).end();
      return;
    }
    const document = documents[path];
    if (typeof document === 'number') {
      response.writeHead(document).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
}

/** An address of this machine at which no server listens. */
export async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

afterEach(async () => {
  await Promise.all(
    running.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});
