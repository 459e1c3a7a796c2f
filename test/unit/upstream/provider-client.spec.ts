import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../../src/upstream/http-client.js';
import { failureOf } from './failure-of.js';
import { inTurn, openClient, sendJson, sendStatus, troubles } from './opened-client.js';

describe('what a provider decided', () => {
  it.each([
    ['yes', 200],
    ['it is new', 201],
    ['no', 400],
    ['not with this token', 401],
    ['not found', 404],
  ])('is an answer: %s', async (_, status) => {
    const { client, server } = await openClient(sendJson({ code: 'X' }, status));

    expect(await client.call({ method: 'GET', url: `${server.url}/users/me` })).toMatchObject({
      status,
      body: { code: 'X' },
    });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['plain text', 404, 'text/plain', 'no such project'],
    ['JSON by its looks only', 200, 'text/plain', '{"id":"u1"}'],
    ['nothing', 204, null, ''],
    ['a refusal whose JSON is none', 400, 'application/json', '<html>'],
  ])('has no body where it is %s', async (_, status, type, body) => {
    const { client, server } = await openClient((__, response) => {
      response.writeHead(status, type === null ? {} : { 'content-type': type }).end(status === 204 ? undefined : body);
    });

    expect(await client.call({ method: 'GET', url: server.url })).toMatchObject({ status, body: undefined });
  });

  it('comes with its headers, by name in any case', async () => {
    const { client, server } = await openClient(sendStatus(400, { 'X-Stack-Known-Error': 'USER_NOT_FOUND' }));
    const { headers } = await client.call({ method: 'GET', url: server.url });

    expect(headers.get('x-stack-known-error')).toBe('USER_NOT_FOUND');
    expect(headers.get('X-Other')).toBeNull();
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'application/problem+json'])(
    'is JSON when it says %s',
    async (type) => {
      const { client, server } = await openClient((_, response) => {
        response.writeHead(200, { 'content-type': type }).end('{"id":1}');
      });

      expect(await client.call({ method: 'GET', url: server.url })).toMatchObject({ body: { id: 1 } });
    },
  );

  it.each([429, 500])('may be a %i, which is neither repeated nor an outage', async (status) => {
    const { client, server } = await openClient(sendStatus(status, { 'x-request': 'r' }));
    const isDecision = ({ headers }: HttpAnswer): boolean => headers.get('x-request') === 'r';
    const call = { method: 'GET', url: server.url, isDecision } as const;
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.call(call)));

    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => status));
    expect(server.requests).toHaveLength(8);
    expect(client.breaker).toBe('closed');
  });

  it.each([
    [429, 'rate-limited', 'closed'],
    [500, 'status', 'open'],
    [503, 'status', 'open'],
  ])('is no %i that nobody confirms', async (status, problem, breaker) => {
    const { client, server } = await openClient(sendStatus(status));
    const call = { method: 'GET', url: server.url, isDecision: () => status === 503 } as const;

    expect(await failureOf(client.call(call))).toMatchObject({ problem, status });
    expect(server.requests).toHaveLength(3);
    await failureOf(client.call(call));
    expect(client.breaker).toBe(breaker);
  });
});

describe('what is sent', () => {
  it.each([
    ['JSON', { json: { user_ids: ['u1'] } }, 'application/json', '{"user_ids":["u1"]}'],
    ['a form', { form: { token: 'a b&c' } }, 'application/x-www-form-urlencoded', 'token=a+b%26c'],
  ])('is %s', async (_, body, type, sent) => {
    const { client, server } = await openClient((request, response) => {
      void text(request).then((received) => {
        sendJson({ method: request.method, type: request.headers['content-type'], received })(request, response);
      });
    });
    const answer = await client.call({ method: 'POST', url: `${server.url}/x`, headers: { 'x-key': 'k' }, ...body });

    expect(answer.body).toEqual({ method: 'POST', type: expect.stringContaining(type) as string, received: sent });
    expect(server.requests).toMatchObject([{ path: '/x', headers: { 'x-key': 'k', accept: 'application/json' } }]);
  });

  it('goes to no other origin', async () => {
    const { client } = await openClient(sendJson({}));
    const elsewhere = await openClient(sendJson({}));

    await expect(client.call({ method: 'GET', url: elsewhere.server.url })).rejects.toThrow(
      'was asked to call another origin',
    );
    expect(elsewhere.server.requests).toEqual([]);
  });
});

describe.each([
  ['its own pool', undefined],
  ["the app's fetch", (url: string, init: RequestInit) => fetch(url, init)],
])('trouble, through %s', (_, request) => {
  const open = (answer: Parameters<typeof openClient>[0], timeoutMs = 5_000) =>
    openClient(answer, { timeoutMs, ...(request && { fetch: request }) });

  it.each([
    ['503', sendStatus(503), 'status', 3],
    ['500', sendStatus(500), 'status', 3],
    ['a reset', troubles.reset, 'unreachable', 3],
    ['half a body', troubles['half a body'], 'unreachable', 3],
    ['garbage', troubles.garbage, 'not-json', 1],
    ['a redirect', sendStatus(302, { location: '/elsewhere' }), 'redirect', 1],
    ['429', sendStatus(429), 'rate-limited', 3],
    ['429 for longer than there is time', sendStatus(429, { 'retry-after': '60' }), 'rate-limited', 1],
    ['503 for longer than there is time', sendStatus(503, { 'retry-after': '60' }), 'status', 1],
  ] as const)('%s fails the call', async (__, answer, problem, calls) => {
    const { client, server } = await open(answer);
    const failure = await failureOf(client.call({ method: 'GET', url: server.url }));

    expect(failure.problem).toBe(problem);
    expect(failure.message).not.toMatch(/secret|out of order/);
    expect(server.requests).toHaveLength(calls);
  });

  it('a hang fails the call at its deadline, and is not repeated', async () => {
    const { client, server } = await open(troubles.hang, 300);
    const before = performance.now();
    const { problem } = await failureOf(client.call({ method: 'GET', url: server.url }));

    expect(problem).toBe('timeout');
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['503', sendStatus(503)],
    ['a reset', troubles.reset],
    ['half a body', troubles['half a body']],
    ['429', sendStatus(429)],
  ] as const)('%s is not noticed when the next try goes well', async (__, answer) => {
    const { client, server } = await open(inTurn(answer, sendJson({ id: 'u1' })));

    expect(await client.call({ method: 'GET', url: server.url })).toMatchObject({ status: 200, body: { id: 'u1' } });
    expect(server.requests).toHaveLength(2);
  });
});

describe('the deadline', () => {
  it('is one for all attempts', async () => {
    const { client, server } = await openClient(inTurn(sendStatus(503), sendStatus(503), troubles.hang), {
      timeoutMs: 3_000,
    });
    const before = performance.now();
    const { problem } = await failureOf(client.call({ method: 'GET', url: server.url }));

    expect(problem).toBe('timeout');
    expect(performance.now() - before).toBeLessThan(4_000);
    expect(server.requests).toHaveLength(3);
  });
});

describe('a call that must not be done twice', () => {
  it.each([
    ['503', sendStatus(503), 1],
    ['a reset', troubles.reset, 1],
    ['429, which says that nothing was done', sendStatus(429), 3],
  ] as const)('after %s', async (_, answer, calls) => {
    const { client, server } = await openClient(answer);
    await failureOf(client.call({ method: 'POST', url: server.url, json: {} }));

    expect(server.requests).toHaveLength(calls);
  });

  it('is repeated when it says that it only asks', async () => {
    const { client, server } = await openClient(inTurn(troubles.reset, sendJson({})));
    await client.call({ method: 'POST', url: server.url, json: {}, repeatable: true });

    expect(server.requests).toHaveLength(2);
  });
});
