import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { closedAddress, startServer } from '../../support/answering-server.js';
import { failureOf } from './failure-of.js';

const json = { 'content-type': 'application/json' };

/** Sends without end, and tells when the client has hung up. */
function pour(response: ServerResponse, onHungUp: () => void): void {
  const more = (): void => {
    while (!response.destroyed && response.write(' '.repeat(1_000)));
  };
  response.on('drain', more).on('close', onHungUp);
  more();
}

describe('a connection', () => {
  it('is a fresh one for each call, and is not asked to stay', async () => {
    const ports = new Set<number | undefined>();
    const { url, requests } = await startServer((request, response) => {
      ports.add(request.socket.remotePort);
      response.writeHead(200, json).end('{}');
    });
    const client = new HttpClient();
    for (let call = 0; call < 5; call += 1) await client.getJson(url);

    expect(ports.size).toBe(5);
    expect(requests.map(({ headers }) => headers.connection)).toEqual(Array(5).fill('close'));
  });

  it('that a server closes after its answer does not fail the next call', async () => {
    const { url } = await startServer((request, response) => {
      // Promises to keep the connection, and breaks the promise: what a restarted server or a proxy does.
      response.writeHead(200, { ...json, connection: 'keep-alive' }).end('{}', () => {
        setImmediate(() => request.socket.destroy());
      });
    });
    const client = new HttpClient();
    const outcomes: unknown[] = [];
    for (let call = 0; call < 20; call += 1) outcomes.push((await client.getJson(url)).body);

    expect(outcomes).toEqual(Array(20).fill({}));
  });

  it.each([
    ['is too long', 200, json],
    ['has a status of failure', 503, json],
    ['is a redirect', 302, { location: '/elsewhere' }],
    ['is of the wrong type', 200, { 'content-type': 'text/html' }],
  ])('is given up when an answer %s', async (_, status, headers) => {
    let hungUp = false;
    const { url } = await startServer((__, response) => {
      pour(response.writeHead(status, headers), () => {
        hungUp = true;
      });
    });
    await failureOf(new HttpClient({ limits: { maxBytes: 5_000 } }).getJson(url));

    await expect.poll(() => hungUp).toBe(true);
  });
});

describe('a failure', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });

  afterEach(() => {
    process.off('unhandledRejection', note);
  });

  it('of whatever kind leaves no rejection behind', async () => {
    const { url } = await startServer((request, response) => {
      const answers: Record<string, () => void> = {
        '/reset': () => request.socket.resetAndDestroy(),
        '/503': () => response.writeHead(503).write('x'),
        '/302': () => response.writeHead(302, { location: '/' }).write('x'),
        '/html': () => response.writeHead(200, { 'content-type': 'text/html' }).write('x'),
        '/stop': () => response.writeHead(200, json).write('{'),
        '/long': () => response.writeHead(200, json).write(' '.repeat(6_000)),
      };
      answers[request.url ?? '']?.();
    });
    const client = new HttpClient({ limits: { timeoutMs: 1_000, maxBytes: 5_000 } });
    const paths = ['/hang', '/reset', '/503', '/302', '/html', '/stop', '/long'];
    const calls = [...paths.map((path) => url + path), await closedAddress()].map((address) => client.getJson(address));
    const problems = await Promise.all(calls.map(async (call) => (await failureOf(call)).problem));
    // Node reports an unhandled rejection after the microtasks of the turn in which it happened.
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);

    expect(unhandled).toEqual([]);
    expect(problems).toEqual([
      'timeout',
      'unreachable',
      'status',
      'redirect',
      'content-type',
      'timeout',
      'too-large',
      'unreachable',
    ]);
  });

  it('is what comes of a request that throws', async () => {
    const client = new HttpClient({
      fetch: () => {
        throw new Error('no proxy');
      },
    });

    expect(await failureOf(client.getJson('https://issuer.example'))).toMatchObject({
      problem: 'unreachable',
      message: 'issuer.example cannot be reached',
      cause: { message: 'no proxy' },
    });
  });
});

describe('the request that an app hands in', () => {
  it('sends every call, and gets the deadline as a signal', async () => {
    const seen: { url: string; init: RequestInit }[] = [];
    const client = new HttpClient({
      fetch: async (url, init) => {
        seen.push({ url, init });
        return new Response('{"ok":true}', { headers: json });
      },
    });

    await expect(client.getJson('https://issuer.example/keys')).resolves.toMatchObject({ body: { ok: true } });
    expect(seen).toMatchObject([{ url: 'https://issuer.example/keys', init: { redirect: 'manual' } }]);
    expect(seen[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });
});
