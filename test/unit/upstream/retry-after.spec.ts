import { describe, expect, it } from 'vitest';
import { readRetryAfter } from '../../../src/upstream/http-exchange.js';
import { failureOf } from './failure-of.js';
import { inTurn, openClient, sendJson, sendStatus } from './opened-client.js';

const now = new Date('2026-01-01T00:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    [' 7 ', 7],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Thursday, 01-Jan-26 00:00:30 GMT', 30],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['99999999999', 86_400],
    ['Thu, 01 Jan 2099 00:00:00 GMT', 86_400],
  ])('%s is a wait of %i s', (value, seconds) => {
    expect(readRetryAfter(value, now)).toBe(seconds);
  });

  it.each([null, '', 'soon', '-1', '1.5', '2026-01-01', 'Thu, nonsense', '0x10'])('%s says nothing', (value) => {
    expect(readRetryAfter(value, now)).toBeUndefined();
  });
});

describe('a provider that asks for a wait', () => {
  it('is waited for where the time suffices', async () => {
    const { client, server } = await openClient(
      inTurn(sendStatus(429, { 'retry-after': '1' }), sendJson({ id: 'u1' })),
    );
    const before = performance.now();
    const { body } = await client.call({ method: 'GET', url: server.url });

    expect(body).toEqual({ id: 'u1' });
    expect(performance.now() - before).toBeGreaterThanOrEqual(990);
    expect(server.requests).toHaveLength(2);
  });

  it('is waited for until the date that it names', async () => {
    const { client, server } = await openClient(
      inTurn(sendStatus(503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:01 GMT' }), sendJson({ id: 'u1' })),
    );
    const before = performance.now();
    await client.call({ method: 'GET', url: server.url });

    expect(performance.now() - before).toBeGreaterThanOrEqual(990);
  });

  it('is left alone by everybody until then, where it does not', async () => {
    const { client, server, clock } = await openClient(
      inTurn(sendStatus(429, { 'retry-after': '30' }), sendJson({ id: 'u1' })),
    );
    const call = () => client.call({ method: 'GET', url: server.url });

    expect(await failureOf(call())).toMatchObject({ problem: 'rate-limited', retryAfterSeconds: 30 });
    clock.advanceSeconds(29);
    expect(await failureOf(call())).toMatchObject({ problem: 'rate-limited', retryAfterSeconds: 1 });
    expect(server.requests).toHaveLength(1);
    clock.advanceSeconds(1);
    expect(await call()).toMatchObject({ status: 200 });
    expect(server.requests).toHaveLength(2);
  });

  it('of one user alone is called for the others, and by the app itself', async () => {
    const { client, server, clock } = await openClient(
      inTurn(sendStatus(429, { 'retry-after': '30' }), sendJson({ id: 'u1' })),
    );
    const call = (caller?: string) =>
      client.call({ method: 'GET', url: server.url, ...(caller !== undefined && { caller }) });

    expect(await failureOf(call('mallory'))).toMatchObject({ problem: 'rate-limited', retryAfterSeconds: 30 });
    expect(await call('alice')).toMatchObject({ status: 200 });
    expect(await call()).toMatchObject({ status: 200 });
    expect(await failureOf(call('mallory'))).toMatchObject({ problem: 'rate-limited' });
    expect(server.requests).toHaveLength(3);
    clock.advanceSeconds(30);
    expect(await call('mallory')).toMatchObject({ status: 200 });
  });

  it('of everybody is not called by a user’s right either', async () => {
    const { client, server } = await openClient(inTurn(sendStatus(429, { 'retry-after': '30' }), sendJson({})));
    await failureOf(client.call({ method: 'GET', url: server.url }));

    expect(await failureOf(client.call({ method: 'GET', url: server.url, caller: 'alice' }))).toMatchObject({
      problem: 'rate-limited',
    });
    expect(server.requests).toHaveLength(1);
  });

  it('for an hour is asked again after a minute, as the wait may be meant for one user', async () => {
    const { client, server, clock } = await openClient(sendStatus(429, { 'retry-after': '3600' }));
    const call = () => failureOf(client.call({ method: 'GET', url: server.url }));

    expect(await call()).toMatchObject({ retryAfterSeconds: 3_600 });
    clock.advanceSeconds(60);
    await call();
    expect(server.requests).toHaveLength(2);
  });

  it('is called at once when the clock has been put back', async () => {
    const { client, server, clock } = await openClient(inTurn(sendStatus(429, { 'retry-after': '30' }), sendJson({})));
    await failureOf(client.call({ method: 'GET', url: server.url }));
    clock.advanceSeconds(-3_600);

    expect(await client.call({ method: 'GET', url: server.url })).toMatchObject({ status: 200 });
  });
});
