/** Headers that are appended to real responses of both platforms. */
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AbstractHttpAdapter, HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describe, expect, it } from 'vitest';
import type { HeaderLines } from '../../../src/challenge/error-answers.js';
import { appendHeaders } from '../../../src/transports/http.transport.js';

const challenges: HeaderLines = [
  ['WWW-Authenticate', 'Bearer'],
  ['WWW-Authenticate', 'Basic realm="cats"'],
  ['Set-Cookie', 'ours=1'],
  ['Retry-After', '7'],
];

/** What a client gets from a handler that writes to the response through its adapter. */
async function answerOf(adapter: AbstractHttpAdapter, handle: (response: unknown) => void): Promise<IncomingMessage> {
  const handler = (_: unknown, response: unknown): void => {
    handle(response);
    if (!adapter.isHeadersSent(response)) adapter.reply(response, { done: true }, 401);
  };
  adapter.get('/', handler);
  let server: Server;
  if (adapter instanceof FastifyAdapter) {
    await adapter.init();
    await adapter.getInstance<{ ready(): Promise<void> }>().ready();
    server = adapter.getHttpServer<Server>();
  } else {
    server = createServer(adapter.getInstance<() => void>());
  }
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject);
  });
  answer.resume();
  await new Promise((resolve) => void server.close(resolve));
  return answer;
}

describe.each([
  { name: 'Express', createAdapter: (): AbstractHttpAdapter => new ExpressAdapter() },
  { name: 'Fastify', createAdapter: (): AbstractHttpAdapter => new FastifyAdapter() },
])('headers that are appended on $name', ({ createAdapter }) => {
  it('are lines of their own where a name comes twice, and none is repeated', async () => {
    const adapter = createAdapter();
    const host = { httpAdapter: adapter } as HttpAdapterHost;
    const { headersDistinct } = await answerOf(adapter, (response) => {
      appendHeaders(host, response, challenges);
      appendHeaders(host, response, challenges);
    });
    expect(headersDistinct['www-authenticate']).toEqual(['Bearer', 'Basic realm="cats"']);
    expect(headersDistinct['set-cookie']).toEqual(['ours=1']);
    expect(headersDistinct['retry-after']).toEqual(['7']);
  });

  it('leave what the app has written', async () => {
    const adapter = createAdapter();
    const host = { httpAdapter: adapter } as HttpAdapterHost;
    const { headersDistinct } = await answerOf(adapter, (response) => {
      adapter.setHeader(response, 'Set-Cookie', 'app=1; Path=/');
      adapter.setHeader(response, 'WWW-Authenticate', 'Negotiate');
      appendHeaders(host, response, challenges);
    });
    expect(headersDistinct['set-cookie']).toEqual(['app=1; Path=/', 'ours=1']);
    expect(headersDistinct['www-authenticate']).toEqual(['Negotiate', 'Bearer', 'Basic realm="cats"']);
  });

  it('are left out when the headers were sent', async () => {
    const adapter = createAdapter();
    const host = { httpAdapter: adapter } as HttpAdapterHost;
    const { statusCode, headersDistinct } = await answerOf(adapter, (response) => {
      adapter.reply(response, { early: true }, 200);
      appendHeaders(host, response, challenges);
    });
    expect([statusCode, headersDistinct['www-authenticate']]).toEqual([200, undefined]);
  });
});
