import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * The faults that a `TestIssuer` can simulate.
 *
 * - `'503'`: answers 503 at once.
 * - `'hang'`: takes the request and never answers.
 * - `'reset'`: breaks the connection (ECONNRESET) before any answer.
 * - `'garbage'`: 200 and `application/json`, but the body is not JSON.
 * - `'html'`: 200 and a login page, as a proxy may send it.
 * - `'empty'`: a valid document without content: a key set without keys, a discovery document without members.
 * - `'redirect'`: 302 to another path of the same issuer that serves the document, so that a client which follows
 *   redirects succeeds.
 * - `'drip'`: sends the headers at once, then one space every 10 ms, and never ends.
 * - `'oversize'`: 8 MiB of spaces before the document, without a `content-length`.
 */
export type IssuerFault = '503' | 'hang' | 'reset' | 'garbage' | 'html' | 'empty' | 'redirect' | 'drip' | 'oversize';

/** The response that a fault replaces. */
export interface FaultyAnswer {
  readonly response: ServerResponse;
  /** The body without the fault. */
  readonly body: string;
  /** A valid document of the same kind without content. */
  readonly emptyBody: string;
  /** The target of `'redirect'`. */
  readonly elsewhere: string;
}

const json = { 'content-type': 'application/json' };
const dripIntervalMs = 10;
const spaces = Buffer.alloc(64 * 1024, ' ');
const oversizeChunks = 128;

const faults: Readonly<Record<IssuerFault, (answer: FaultyAnswer) => void>> = {
  '503': ({ response }) => {
    response.writeHead(503, { 'content-type': 'text/plain' }).end('The test issuer simulates an outage.');
  },
  // Nothing is sent: the connection stays open until the client gives up or the issuer stops.
  hang: () => undefined,
  reset: ({ response }) => {
    response.socket?.resetAndDestroy();
  },
  garbage: ({ response }) => {
    response.writeHead(200, json).end('{"keys":[{"kty":');
  },
  html: ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Please sign in</title>');
  },
  empty: ({ response, emptyBody }) => {
    response.writeHead(200, json).end(emptyBody);
  },
  redirect: ({ response, elsewhere }) => {
    response.writeHead(302, { location: elsewhere }).end();
  },
  drip: ({ response }) => {
    response.writeHead(200, json).write('{');
    const timer = setInterval(() => response.write(' '), dripIntervalMs);
    response.on('close', () => {
      clearInterval(timer);
    });
  },
  oversize: ({ response, body }) => {
    response.writeHead(200, json);
    // The client is expected to close the connection before the end, so that is not an error.
    pipeline(Readable.from(oversized(body)), response).catch(() => undefined);
  },
};

/** The names of all faults, to validate the argument of `fail` and to run a test with each of them. */
export const issuerFaults = Object.keys(faults) as readonly IssuerFault[];

/** Sends the response of a fault, or none. */
export function sendFault(fault: IssuerFault, answer: FaultyAnswer): void {
  faults[fault](answer);
}

function* oversized(body: string): Generator<Buffer> {
  for (let chunk = 0; chunk < oversizeChunks; chunk += 1) {
    yield spaces;
  }
  yield Buffer.from(body);
}
