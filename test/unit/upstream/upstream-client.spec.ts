import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { closedAddress, startServer } from '../../support/answering-server.js';
import { failureOf } from './failure-of.js';

const json = { 'content-type': 'application/json' };
const client = new HttpClient();
const hastyClient = new HttpClient({ limits: { timeoutMs: 150 } });
const smallClient = new HttpClient({ limits: { maxBytes: 1_000 } });

/** A JSON text of so many bytes. */
function jsonOf(bytes: number): string {
  return JSON.stringify('x'.repeat(bytes - 2));
}

/** A server that always gives this. */
function serve(status: number, headers: Record<string, string>, body: string | Buffer = '') {
  return startServer((_, response) => response.writeHead(status, headers).end(body));
}

describe('an answer', () => {
  it('comes parsed, with its headers', async () => {
    const { url } = await serve(200, { ...json, 'cache-control': 'max-age=60' }, '{"keys":[1,"é"]}');
    const { body, headers } = await client.getJson(url);

    expect(body).toEqual({ keys: [1, 'é'] });
    expect(headers.get('cache-control')).toBe('max-age=60');
  });

  it('is asked for with the headers of the caller, as JSON', async () => {
    const { url, requests } = await serve(200, json, '{}');
    await client.getJson(`${url}/a/b?c=d`, { 'x-key': 'k', accept: 'application/jwk-set+json' });
    await client.getJson(url);

    expect(requests[0]).toMatchObject({
      path: '/a/b?c=d',
      headers: { 'x-key': 'k', accept: 'application/jwk-set+json' },
    });
    expect(requests[1]?.headers.accept).toBe('application/json');
    expect(requests[1]?.headers['x-key']).toBeUndefined();
  });

  it.each([
    'application/json',
    'application/json;charset=utf-8',
    'Application/JSON ; charset=UTF-8',
    'application/jwk-set+json',
    'application/vnd.api+json',
  ])('of type %s is read', async (type) => {
    const { url } = await serve(200, { 'content-type': type }, '{}');

    await expect(client.getJson(url)).resolves.toMatchObject({ body: {} });
  });

  it('without a content type is read', async () => {
    const { url } = await serve(200, {}, '{"keys":[]}');

    await expect(client.getJson(url)).resolves.toMatchObject({ body: { keys: [] } });
  });

  it.each(['text/html', 'text/plain', 'text/json', 'application/jsonp', 'application/jwt', 'x/application/json'])(
    'of type %s is refused, though it could be parsed',
    async (type) => {
      const { url } = await serve(200, { 'content-type': type }, '{}');

      expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'content-type', status: 200 });
    },
  );

  it.each(['', '{"keys":', 'Not found', '<html></html>', '{} {}'])('that is no JSON is refused: %j', async (body) => {
    const { url } = await serve(200, json, body);

    expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'not-json' });
  });

  it.each([400, 401, 403, 404, 408, 429, 500, 503])('with status %d is a failure that names it', async (status) => {
    const { url } = await serve(status, json, '{"keys":[]}');
    const failure = await failureOf(client.getJson(url));

    expect(failure).toMatchObject({ problem: status === 429 ? 'rate-limited' : 'status', status });
    expect(failure.message).toBe(`${new URL(url).host} answered with status ${status}`);
  });

  it('204 has nothing to read', async () => {
    const { url } = await serve(204, {});

    expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'not-json' });
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('%d is refused, and its target is never asked', async (status) => {
    const target = await serve(200, json, '{}');
    const { url, requests } = await serve(status, { location: target.url });

    expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'redirect', status });
    expect(requests).toHaveLength(1);
    expect(target.requests).toHaveLength(0);
  });

  it('to the same server is refused too', async () => {
    const { url, requests } = await serve(302, { location: '/elsewhere' });

    expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'redirect' });
    expect(requests.map(({ path }) => path)).toEqual(['/']);
  });
});

describe('the deadline', () => {
  it('ends a call whose request is never answered', async () => {
    const { url } = await startServer(() => undefined);

    const failure = await failureOf(hastyClient.getJson(url));
    expect(failure.problem).toBe('timeout');
    expect(failure.message).toBe(`${new URL(url).host} did not answer within 150 ms`);
  });

  it('ends a call whose answer stops after its head', async () => {
    const { url } = await startServer((_, response) => {
      response.writeHead(200, json).write('{');
    });

    expect(await failureOf(hastyClient.getJson(url))).toMatchObject({ problem: 'timeout' });
  });

  it('counts for the whole call: an answer that never rests for long is ended as well', async () => {
    const drip = (response: ServerResponse): void => {
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => {
        clearInterval(timer);
      });
    };
    const { url } = await startServer((_, response) => {
      drip(response.writeHead(200, json));
    });

    expect(await failureOf(hastyClient.getJson(url))).toMatchObject({ problem: 'timeout' });
  });

  it('ends a call whose answer is not what its content-encoding says', async () => {
    const { url } = await serve(200, { ...json, 'content-encoding': 'gzip' }, 'no gzip');
    const { problem } = await failureOf(hastyClient.getJson(url));

    // Node 20 leaves the reader of such a body waiting, and an abort does not wake it; later ones break it off.
    expect(['timeout', 'unreachable']).toContain(problem);
  });

  it('ends a call whose request does not heed it', async () => {
    const deaf = new HttpClient({ fetch: () => new Promise(() => undefined), limits: { timeoutMs: 50 } });

    expect(await failureOf(deaf.getJson('https://issuer.example'))).toMatchObject({ problem: 'timeout' });
  });

  it('lets a slow answer pass that keeps it', async () => {
    const { url } = await startServer((_, response) => {
      setTimeout(() => response.writeHead(200, json).end('{}'), 30);
    });

    await expect(new HttpClient({ limits: { timeoutMs: 4_000 } }).getJson(url)).resolves.toMatchObject({ body: {} });
  });
});

describe('the size cap', () => {
  it('lets the last byte pass, and refuses one more', async () => {
    const fitting = await serve(200, json, jsonOf(1_000));
    const tooLarge = await serve(200, json, jsonOf(1_001));

    await expect(smallClient.getJson(fitting.url)).resolves.toMatchObject({ body: 'x'.repeat(998) });
    expect(await failureOf(smallClient.getJson(tooLarge.url))).toMatchObject({ problem: 'too-large' });
  });

  it('counts what comes out of a compressed answer', async () => {
    const bomb = gzipSync(jsonOf(4_000_000));
    const { url } = await serve(200, { ...json, 'content-encoding': 'gzip' }, bomb);

    expect(bomb.length).toBeLessThan(10_000);
    expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'too-large' });
  });

  it('reads a compressed answer that keeps it', async () => {
    const { url } = await serve(200, { ...json, 'content-encoding': 'gzip' }, gzipSync('{"keys":[]}'));

    await expect(client.getJson(url)).resolves.toMatchObject({ body: { keys: [] } });
  });
});

describe('a server out of reach', () => {
  it("is named with the system's word for the trouble", async () => {
    const url = await closedAddress();
    const failure = await failureOf(client.getJson(url));

    expect(failure).toMatchObject({ problem: 'unreachable', status: null });
    expect(failure.message).toBe(`${new URL(url).host} cannot be reached (ECONNREFUSED)`);
  });

  it('is one that breaks the connection', async () => {
    const { url } = await startServer((request) => request.socket.resetAndDestroy());
    const failure = await failureOf(client.getJson(url));

    expect(failure.problem).toBe('unreachable');
    expect(failure.message).toMatch(/cannot be reached \((?:ECONNRESET|UND_ERR_SOCKET)\)$/);
  });

  it('is one that breaks off in the middle of its answer', async () => {
    const { url } = await startServer((request, response) => {
      response.writeHead(200, { ...json, 'content-length': '100' }).write('{"keys":[]}', () => {
        request.socket.destroy();
      });
    });

    expect(await failureOf(client.getJson(url))).toMatchObject({ problem: 'unreachable' });
  });

  it('is one whose address is none', async () => {
    const failure = await failureOf(client.getJson('not an address'));

    expect(failure).toMatchObject({ problem: 'unreachable' });
    expect(failure.message).toMatch(/^the server cannot be reached/);
  });
});
