/** A provider that fails, tested from `UserProfileService` to the network: the outcome of look-ups, and the number of calls. */
import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { propelAuth } from '../../../src/issuers/propel-auth/propel-auth.js';
import { startServer } from '../../support/answering-server.js';
import { openService, settle, userOf } from '../../support/opened-profiles.js';
import { errorOf } from '../../support/outcome.js';

const authUrl = 'https://auth.example.org';
const idOf = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
const json = { 'content-type': 'application/json' };

const sound: RequestListener = (request, response) => {
  const user = {
    user_id: /[0-9a-f-]{36}/.exec(request.url ?? '')?.[0],
    email: 'alice@example.org',
    email_confirmed: true,
    has_password: true,
    locked: false,
    enabled: true,
    created_at: 1_700_000_000,
    last_active_at: 1_750_000_000,
  };
  response.writeHead(200, json).end(JSON.stringify(user));
};

const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}, body: string | Buffer = ''): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

async function openProvider() {
  const behaviour = { answer: sound };
  const server = await startServer((request, response) => {
    behaviour.answer(request, response);
  });
  const opened = openService([propelAuth({ authUrl, apiKey: 'k', apiUrl: server.url })]);
  const look = (at = 1) => opened.service.lookUp(userOf(idOf(at), { issuer: authUrl }));
  return { ...opened, server, behaviour, look };
}

const troubles: readonly (readonly [string, RequestListener, calls: number, retryAfterSeconds: number])[] = [
  ['503', answer(503), 3, 5],
  ['a hang', () => undefined, 1, 5],
  ['a reset', (request) => request.socket.resetAndDestroy(), 3, 5],
  ['garbage', answer(200, json, '{"user_id":'), 1, 5],
  ['an invalid field', answer(200, json, '{"user_id":7}'), 1, 5],
  [
    'half a body',
    (request, response) => {
      response.writeHead(200, { ...json, 'content-length': '100' }).write('{', () => request.socket.destroy());
    },
    3,
    5,
  ],
  ['a body of 50 MB', answer(200, json, Buffer.alloc(50_000_000, ' ')), 1, 5],
  [
    'a compressed body of 50 MB',
    answer(200, { ...json, 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000))),
    1,
    5,
  ],
  ['429', answer(429), 3, 5],
  ['429 with Retry-After', answer(429, { 'retry-after': '42' }), 1, 42],
];

describe('a provider that fails', () => {
  it.each(troubles)('makes look-ups of unknown users a fault: %s', async (_, trouble, calls, retryAfterSeconds) => {
    const { look, server, behaviour, events } = await openProvider();
    behaviour.answer = trouble;
    const error = await errorOf(look());

    expect(error).toMatchObject({ code: 'SERVER_ERROR' });
    const retryAfter = (error as unknown as { retryAfterSeconds: number }).retryAfterSeconds;
    // An invalid response is not temporary, and the source states the retry time itself.
    expect(retryAfter).toBeGreaterThanOrEqual(retryAfterSeconds);
    expect(server.requests).toHaveLength(calls);
    expect(events).toMatchObject([{ type: 'outage-began' }]);
  });

  it.each(troubles)('does not affect look-ups of cached users: %s', async (_, trouble) => {
    const { look, server, behaviour, clock } = await openProvider();
    await look();
    behaviour.answer = trouble;
    clock.advanceSeconds(120);
    const before = performance.now();

    expect(await look()).toMatchObject({ freshness: 'stale', profile: { primaryEmail: 'alice@example.org' } });
    expect(performance.now() - before).toBeLessThan(1_000);
    await expect.poll(() => server.requests.length).toBeGreaterThan(1);
  });
});

describe('a provider that is down for 30 seconds', () => {
  it('is called a few times in the outage, and used for all users right after it', async () => {
    const { look, server, behaviour, clock, service } = await openProvider();
    behaviour.answer = answer(503);
    const codes: unknown[] = [];
    // A new user each second.
    for (let second = 0; second < 30; second += 1) {
      const error = await errorOf(look(second));
      codes.push(error?.code);
      clock.advanceSeconds(1);
    }
    expect(new Set(codes)).toEqual(new Set(['SERVER_ERROR']));
    expect([...service.counters().breakers]).toEqual([[server.url, 'open']]);
    const during = server.requests.length;
    expect(during).toBeLessThanOrEqual(8);
    behaviour.answer = sound;
    clock.advanceSeconds(10);

    expect(await look(100)).toMatchObject({ freshness: 'fresh' });
    await Promise.all(Array.from({ length: 20 }, (_, at) => look(200 + at)));
    expect(server.requests).toHaveLength(during + 21);
    expect([...service.counters().breakers]).toEqual([[server.url, 'closed']]);
    await settle();
  });
});
