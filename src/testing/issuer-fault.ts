import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * What a `TestIssuer` can be told to do wrong.
 *
 * - `'503'`: answers 503 at once.
 * - `'hang'`: takes the request and never answers.
 * - `'reset'`: breaks the connection (ECONNRESET) before any answer.
 * - `'garbage'`: 200 and `application/json`, but the body is no JSON.
 * - `'html'`: 200 and a login page, as a proxy in between would send it.
 * - `'empty'`: well-formed and of no use: a key set without keys, a discovery document without members.
 * - `'redirect'`: 302 to a place of the same issuer where the true document lies, so that a client which follows is seen
 *   to succeed.
 * - `'drip'`: sends the head at once, then one blank every 10 ms, and never ends.
 * - `'oversize'`: the true document behind 8 MiB of blanks, without a `content-length`.
 */
export type IssuerFault = '503' | 'hang' | 'reset' | 'garbage' | 'html' | 'empty' | 'redirect' | 'drip' | 'oversize';

/** The answer that a fault spoils. */
export interface SpoiledAnswer {
  readonly response: ServerResponse;
  /** What a sound issuer would have sent. */
  readonly body: string;
  /** A well-formed document of the same kind with nothing in it. */
  readonly emptyBody: string;
  /** Where `'redirect'` points. */
  readonly elsewhere: string;
}

const json = { 'content-type': 'application/json' };
const dripIntervalMs = 10;
const blanks = Buffer.alloc(64 * 1024, ' ');
const oversizeChunks = 128;

const spoil: Readonly<Record<IssuerFault, (answer: SpoiledAnswer) => void>> = {
  '503': ({ response }) => {
    response.writeHead(503, { 'content-type': 'text/plain' }).end('The test issuer was told to fail.');
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
    // A client that hangs up in the middle is the point of the exercise, not an error.
    pipeline(Readable.from(oversized(body)), response).catch(() => undefined);
  },
};

/** The names of all faults, to check what a test asked for and to run one test over all. */
export const issuerFaults = Object.keys(spoil) as readonly IssuerFault[];

/** Sends the answer that the fault stands for, or none. */
export function spoilAnswer(fault: IssuerFault, answer: SpoiledAnswer): void {
  spoil[fault](answer);
}

function* oversized(body: string): Generator<Buffer> {
  for (let chunk = 0; chunk < oversizeChunks; chunk += 1) {
    yield blanks;
  }
  yield Buffer.from(body);
}
