import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { ConfigurationError, RefusalError } from '../../../src/errors/auth-error.js';
import { readJsonBody } from '../../../src/issuing/request-body.js';

let server: Server;

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Handles one request on a server of Node, and gives what the handler has made of it. */
async function handle<Result>(
  handler: (message: IncomingMessage) => Promise<Result>,
  body: string,
  act: (sent: ReturnType<typeof request>) => void = (sent) => sent.end(body),
): Promise<Result | Error> {
  return new Promise((resolve) => {
    server = createServer((message, response) => {
      void handler(message)
        .then(resolve, (error: unknown) => {
          resolve(error as Error);
        })
        .finally(() => response.end());
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
      const sent = request({ port, host: '127.0.0.1', method: 'POST', headers, agent: false });
      sent.on('error', () => undefined);
      act(sent);
    });
  });
}

it('reads a request of Node', async () => {
  expect(await handle(readJsonBody, '{"a":1}')).toEqual({ a: 1 });
});

it('refuses a body whose client has gone before it is read, which is no mistake of the app', async () => {
  const readLate = async (message: IncomingMessage): Promise<unknown> => {
    await new Promise((resolve) => message.once('close', resolve));
    return readJsonBody(message);
  };
  const failure = await handle(readLate, '{"a":1}', (sent) => {
    sent.write('{"a"', () => sent.destroy());
  });
  expect(failure).toBeInstanceOf(RefusalError);
});

it.each([
  ['a text', '{"a":1}'],
  ['bytes', Buffer.from('{"a":1}')],
  ['an object', { a: 1 }],
])('takes what a parser has made of the body: %s', async (_, parsed) => {
  const read = await handle(async (message) => {
    await buffer(message);
    return readJsonBody(Object.assign(message, { body: parsed }));
  }, '{"a":1}');

  expect(read).toEqual({ a: 1 });
});

it('takes what middleware on Fastify has made of the body of the request of Node', async () => {
  const read = await handle(async (message) => {
    await buffer(message);
    return readJsonBody({ body: undefined, raw: Object.assign(message, { body: { a: 1 } }) });
  }, '{"a":1}');

  expect(read).toEqual({ a: 1 });
});

it('states that something else has read the body, instead of waiting for ever', async () => {
  const read = await handle(async (message) => {
    await buffer(message);
    return readJsonBody(message);
  }, '{"a":1}');

  expect(read).toBeInstanceOf(ConfigurationError);
});

it('ends when the client ends the connection', async () => {
  let client: ReturnType<typeof request> | undefined;
  const leave = (message: IncomingMessage): ReturnType<typeof readJsonBody> => {
    const reading = readJsonBody(message);
    client?.destroy();
    return reading;
  };
  const read = await handle(leave, '{"a":1}', (sent) => {
    client = sent;
    sent.write('{"a"');
  });

  expect(read).toBeInstanceOf(RefusalError);
  expect(read).toMatchObject({ code: 'INVALID_INPUT' });
});

it('keeps a member named __proto__ as a member', async () => {
  const read = (await handle(readJsonBody, '{"__proto__":{"admin":true}}')) as Record<string, unknown>;

  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(read['admin']).toBeUndefined();
  expect(Object.hasOwn(read, '__proto__')).toBe(true);
});
