import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { UpstreamFailure } from '../../../src/upstream/upstream-failure.js';
import { failureOf } from './failure-of.js';
import { openClient, sendJson, sendStatus } from './opened-client.js';

describe('connections to a provider', () => {
  it('are kept from call to call, whatever the answer', async () => {
    const ports = new Set<number | undefined>();
    const answers = [sendJson({}), sendStatus(404), sendJson({ code: 'X' }, 400), sendStatus(200)];
    const { client, server } = await openClient((request, response) => {
      ports.add(request.socket.remotePort);
      answers[server.requests.length % answers.length]?.(request, response);
    });
    for (let call = 0; call < 20; call += 1) await client.call({ method: 'GET', url: server.url });

    // A call may find the last one's connection not yet at rest, and open a second.
    expect(ports.size).toBeLessThan(5);
  });

  it('are 64 at most, and the other calls wait their turn', async () => {
    const ports = new Set<number | undefined>();
    const { client, server } = await openClient(
      (request, response) => {
        ports.add(request.socket.remotePort);
        setImmediate(sendJson({}), request, response);
      },
      { timeoutMs: 25_000 },
    );
    const calls = Array.from({ length: 1_000 }, () => client.call({ method: 'GET', url: server.url }));

    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(server.requests).toHaveLength(1_000);
    expect(ports.size).toBeLessThanOrEqual(64);
  }, 30_000);

  it('that calls wait for are no failure of the provider, and the breaker stays closed', async () => {
    const { client, server } = await openClient(
      (request, response) => {
        setTimeout(() => {
          sendJson({})(request, response);
        }, 200);
      },
      // At most 1,280 of the calls have their turn in this time, which a busy machine needs for the first 64.
      { timeoutMs: 4_000 },
    );
    const get = () => client.call({ method: 'GET', url: server.url });
    const flood = await Promise.allSettled(Array.from({ length: 1_500 }, get));
    const problems = flood.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as UpstreamFailure).problem] : [],
    );
    expect(new Set(problems)).toEqual(new Set(['congested']));
    expect(client.breaker).toBe('closed');
    expect(await get()).toMatchObject({ status: 200 });
  }, 30_000);

  it('that the server closes between calls fail none', async () => {
    const { client, server } = await openClient((request, response) => {
      // Promises to keep the connection, and breaks the promise: what a restarted server or a proxy does.
      response.writeHead(200, { 'content-type': 'application/json', connection: 'keep-alive' }).end('{}', () => {
        setImmediate(() => request.socket.destroy());
      });
    });
    for (let call = 0; call < 100; call += 1) {
      expect(await client.call({ method: 'GET', url: server.url })).toMatchObject({ status: 200 });
    }
  });

  it('that the server resets while the next call is on its way fail none', async () => {
    let count = 0;
    const { client, server } = await openClient((request, response) => {
      count += 1;
      // Every second request meets a connection that has been kept, and is gone.
      if (count % 2 === 0) request.socket.resetAndDestroy();
      else sendJson({})(request, response);
    });
    for (let call = 0; call < 10; call += 1) {
      expect(await client.call({ method: 'GET', url: server.url })).toMatchObject({ status: 200 });
    }
    expect(client.breaker).toBe('closed');
  });

  it('end with the app', async () => {
    let isOpen = false;
    const { client, server } = await openClient((request, response) => {
      isOpen = true;
      request.socket.on('close', () => {
        isOpen = false;
      });
      sendJson({})(request, response);
    });
    await client.call({ method: 'GET', url: server.url });
    await client.close();

    await expect.poll(() => isOpen).toBe(false);
    expect(await failureOf(client.call({ method: 'GET', url: server.url }))).toMatchObject({ problem: 'unreachable' });
    expect(server.requests).toHaveLength(1);
  });
});

const ownFetch = { fetch: (url: string, init: RequestInit) => fetch(url, init) };

describe('an answer of 50 MB', () => {
  const megabyte = Buffer.alloc(1_048_576, ' ');

  it('is given up after the first one', async () => {
    let sent = 0;
    let hungUp = false;
    const { client, server } = await openClient((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).on('close', () => {
        hungUp = true;
      });
      const more = (): void => {
        if (response.destroyed || sent >= 50) return;
        sent += 1;
        response.write(megabyte, more);
      };
      more();
    });

    expect(await failureOf(client.call({ method: 'GET', url: server.url }))).toMatchObject({ problem: 'too-large' });
    await expect.poll(() => hungUp).toBe(true);
    expect(sent).toBeLessThan(20);
    expect(server.requests).toHaveLength(1);
  });

  it('is given up when it has been packed into 50 kB and a request unpacks it, also where it is a refusal', async () => {
    const packed = gzipSync(Buffer.alloc(50 * 1_048_576, ' '));
    const { client, server } = await openClient((request, response) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      response.writeHead(request.url === '/no' ? 404 : 200, headers).end(packed);
    }, ownFetch);

    for (const path of ['/yes', '/no']) {
      const call = client.call({ method: 'GET', url: `${server.url}${path}` });
      expect(await failureOf(call)).toMatchObject({ problem: 'too-large' });
    }
  });

  it('is not unpacked where nothing packed was asked for', async () => {
    const packed = gzipSync(Buffer.alloc(50 * 1_048_576, ' '));
    const { client, server } = await openClient((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(packed);
    });

    expect(await failureOf(client.call({ method: 'GET', url: server.url }))).toMatchObject({ problem: 'not-json' });
    expect(server.requests).toMatchObject([{ headers: { 'accept-encoding': 'identity' } }]);
  });
});
