import type { IncomingMessage, ServerResponse } from 'node:http';

import { mostBodyBytes } from './request-body.js';

/** How much of a body is still received after the answer. */
const mostBytesAfterAnswer = 64 * 1024;
/** How long the connection stays open after the answer. A client that is still sending has this time to read it. */
const lingerMs = 1_000;

/** A request or a response of Express or Fastify, or Node's own. */
interface Wrapped<Inner> {
  /** Fastify: Node's own. */
  readonly raw?: Inner;
}

/**
 * Limits what is received of a body after the request was answered: without this, Node receives and drops all of it, however long it
 * is, to use the connection again. The answer states `Connection: close` then, and the connection is closed after at most 64 KiB
 * more. Until then the client can still read the answer, because a connection that is closed while data arrives is reset, which makes
 * clients drop what they have not read.
 *
 * A body that was received in full before the answer, or that states a length within the limit, keeps the connection. What a body
 * parser of the app refuses is not limited here: that of Express receives such a body to its end before any handler is called.
 */
export function limitUnreadBody(request: object, response: object): void {
  const message = (request as Wrapped<IncomingMessage>).raw ?? (request as IncomingMessage);
  const answer = (response as Wrapped<ServerResponse>).raw ?? (response as ServerResponse);
  // HTTP/2 ends single streams.
  if (message.httpVersionMajor !== 1 || !mayBeLong(message)) return;
  const writeHead = answer.writeHead.bind(answer);
  const end = answer.end.bind(answer);
  answer.writeHead = ((...head: Parameters<typeof writeHead>) => {
    if (!message.complete) answer.setHeader('Connection', 'close');
    return writeHead(...head);
  }) as typeof writeHead;
  answer.end = ((...last: Parameters<typeof end>) => {
    answer.end = end;
    if (message.complete) return end(...last);
    sendAll(answer, last);
    void receiveSome(message).then(() => answer.end());
    return answer;
  }) as typeof end;
}

function mayBeLong({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > mostBodyBytes;
}

/** Sends the answer with its length, so that it is complete for the client before it is ended here. */
function sendAll(answer: ServerResponse, [body]: readonly unknown[]): void {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) {
    answer.flushHeaders();
    return;
  }
  if (!answer.headersSent && !answer.hasHeader('Content-Length')) {
    answer.setHeader('Content-Length', Buffer.byteLength(body));
  }
  answer.write(body);
}

function receiveSome(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(resolve, lingerMs);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // Nothing more is taken from the connection. A client that has its answer closes it; otherwise the time ends.
      if (bytes >= mostBytesAfterAnswer) message.pause();
    });
    message.once('end', stop).once('error', stop).once('close', stop);
    message.resume();
  });
}
