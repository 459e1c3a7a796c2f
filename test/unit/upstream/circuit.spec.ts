import { describe, expect, it } from 'vitest';
import { failureOf } from './failure-of.js';
import { openClient, sendJson, sendStatus, troubles } from './opened-client.js';

/** A provider whose behaviour a test changes while it runs. */
async function openChanging(timeoutMs = 5_000) {
  const behaviour = { answer: sendStatus(503) };
  const opened = await openClient(
    (request, response) => {
      behaviour.answer(request, response);
    },
    { timeoutMs },
  );
  const call = () => opened.client.call({ method: 'GET', url: opened.server.url });
  const later = (seconds: number): void => {
    opened.clock.advanceSeconds(seconds);
  };
  return { ...opened, behaviour, call, later };
}

describe('a provider that does not answer', () => {
  it('is left alone after five failures in a row, and says for how long', async () => {
    const { client, call, server, later } = await openChanging();
    expect(client.breaker).toBe('closed');
    expect(await failureOf(call())).toMatchObject({ problem: 'status', status: 503 });
    expect(client.breaker).toBe('closed');
    expect(await failureOf(call())).toMatchObject({ problem: 'status', status: 503 });
    expect(client.breaker).toBe('open');
    expect(server.requests).toHaveLength(5);

    later(4);
    const refused = await failureOf(call());
    expect(refused).toMatchObject({ problem: 'circuit-open', retryAfterSeconds: 6 });
    expect(refused.message).toMatch(
      /^127\.0\.0\.1:\d+ did not answer 5 times in a row, and is not called for a while$/,
    );
    expect(server.requests).toHaveLength(5);
  });

  it('that is back after 30 s has been called once in ten, and is then called as usual', async () => {
    const { client, call, server, behaviour, later } = await openChanging();
    await failureOf(call());
    await failureOf(call());
    for (let second = 1; second < 30; second += 1) {
      later(1);
      await failureOf(call());
    }
    expect(server.requests).toHaveLength(5 + 2);
    behaviour.answer = sendJson({ id: 'u1' });
    later(1);

    expect(await call()).toMatchObject({ status: 200, body: { id: 'u1' } });
    expect(client.breaker).toBe('closed');
    expect(server.requests).toHaveLength(5 + 3);
  });

  it('is called at once when the clock has been set back', async () => {
    const { call, server, later } = await openChanging();
    await failureOf(call());
    await failureOf(call());
    later(-3_600);

    expect(await failureOf(call())).toMatchObject({ problem: 'status' });
    expect(server.requests).toHaveLength(5 + 1);
  });

  it('is tried by one call, and the others do not wait for it', async () => {
    const { client, call, server, behaviour, later } = await openChanging(2_500);
    await failureOf(call());
    await failureOf(call());
    behaviour.answer = troubles.hang;
    later(10);
    const trying = failureOf(call());
    await expect.poll(() => client.breaker).toBe('half-open');
    const others = await Promise.all(Array.from({ length: 1_000 }, () => failureOf(call())));

    expect(new Set(others.map(({ problem }) => problem))).toEqual(new Set(['circuit-open']));
    expect(await trying).toMatchObject({ problem: 'timeout' });
    expect(server.requests).toHaveLength(5 + 1);
    expect(client.breaker).toBe('open');
  });

  it.each([
    ['hangs', troubles.hang],
    ['resets', troubles.reset],
    ['breaks off', troubles['half a body']],
  ])('counts as one that %s too', async (_, answer) => {
    const { client, call, behaviour } = await openChanging(1_000);
    behaviour.answer = answer;
    await Promise.all(Array.from({ length: 5 }, () => failureOf(call())));

    expect(client.breaker).toBe('open');
  });
});

describe('what is no sign of an outage', () => {
  it.each([
    ['a refusal', sendStatus(401)],
    ['a user who is not there', sendStatus(404)],
    ['too many calls', sendStatus(429)],
    ['an answer that is no JSON', troubles.garbage],
    ['a redirect', sendStatus(302, { location: '/' })],
  ])('is %s', async (_, answer) => {
    const { client, call, behaviour } = await openChanging();
    behaviour.answer = answer;
    await Promise.allSettled(Array.from({ length: 20 }, call));

    expect(client.breaker).toBe('closed');
  });

  it('is a failure now and then', async () => {
    const { client, call, behaviour } = await openChanging();
    for (let round = 0; round < 4; round += 1) {
      behaviour.answer = sendStatus(503);
      await failureOf(call());
      behaviour.answer = sendJson({});
      await call();
    }

    expect(client.breaker).toBe('closed');
  });
});
