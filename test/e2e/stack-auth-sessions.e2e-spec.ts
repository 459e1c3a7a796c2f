/** Sessions that Stack Auth keeps: refreshes, lists, and sessions that an app creates. */
import { ConfigurationError, createAuthUser } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { setCookiesOf } from '../support/session-app.js';
import { alice, startStackAuthApp } from '../support/stack-auth-app.js';
import { startStackAuthSessions } from '../support/stack-auth-server.js';
import { invalidRequest, missingToken, refusedSession, verdictOf } from '../support/verdicts.js';
import { readRecordedExchange } from '../vectors/stack-auth/recorded.js';

const refreshCall = 'POST /auth/sessions/current/refresh';

/** By what a refresh is answered, by the place of the refresh token and the choice of the client. */
const deliveryCases = [
  { place: 'cookies', choice: null, expected: 'cookies' },
  { place: 'body', choice: null, expected: 'body' },
  { place: 'cookies', choice: 'cookies', expected: 'cookies' },
  { place: 'body', choice: 'body', expected: 'body' },
  { place: 'cookies', choice: 'body', expected: 'refused' },
  { place: 'body', choice: 'cookies', expected: 'refused' },
] as const;

describe.each(platforms)('sessions that Stack Auth keeps, on $name', (platform) => {
  it('are refreshed with the same refresh token, in two tabs at once', async () => {
    const { client, server, called } = await startStackAuthApp(platform);
    const tab = client();
    await tab.signUp();
    const answers = await Promise.all([tab.refresh(), tab.fork().refresh(), tab.fork().refresh()]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, json: { user: { id: alice.id }, is_new_user: false } });
      expect(setCookiesOf(answer)[1]).toContain('__Host-refresh=refresh-token-sample-5; ');
    }
    expect((await tab.refresh()).status).toBe(200);
    expect(await tab.call('/me')).toMatchObject({ status: 200, json: { id: alice.id } });
    const refreshes = server.calls.filter(({ call }) => call === refreshCall);
    expect(refreshes).toHaveLength(4);
    for (const { headers, body } of refreshes) {
      expect(headers['x-stack-refresh-token']).toBe('refresh-token-sample-5');
      // The API would refuse an expired one.
      expect(headers['x-stack-access-token']).toBeUndefined();
      expect(body).toBe('');
    }
    expect(called.every((url) => url.startsWith('http://localhost:8102/'))).toBe(true);
  });

  it('are refreshed by the body, and the answer has the same refresh token', async () => {
    const { client } = await startStackAuthApp(platform);
    const app = client('body');
    await app.signUp();
    const answer = await app.refresh();
    expect(answer).toMatchObject({
      status: 200,
      json: { refresh_token: 'refresh-token-sample-5', token_type: 'Bearer', expires_in: expect.any(Number) as number },
    });
    expect(setCookiesOf(answer)).toEqual([]);
  });

  it.each(deliveryCases)('token in $place, choice $choice: $expected', async ({ place, choice, expected }) => {
    const { client, server } = await startStackAuthApp(platform);
    const one = client();
    if (place === 'cookies') one.jar.set('__Host-refresh', 'refresh-token-sample-5');
    const json = place === 'body' ? { refresh_token: 'refresh-token-sample-5' } : undefined;
    const answer = await one.post('/auth/refresh', json, choice === null ? [] : [['X-Token-Delivery', choice]]);
    if (expected === 'refused') {
      expect(verdictOf(answer)).toEqual(invalidRequest);
      expect(server.calls).toEqual([]);
      return;
    }
    expect(answer.status).toBe(200);
    expect(setCookiesOf(answer)).toHaveLength(expected === 'cookies' ? 2 : 0);
    expect('refresh_token' in (answer.json as object)).toBe(expected === 'body');
  });

  it('that have ended, or whose user was deleted, are 401, and cookies stay as they are', async () => {
    const { client } = await startStackAuthApp(platform);
    for (const refreshToken of ['refresh-token-sample-2', 'refresh-token-sample-9', 'nope']) {
      const browser = client();
      browser.jar.set('__Host-refresh', refreshToken);
      const answer = await browser.refresh();
      expect(verdictOf(answer)).toEqual(refusedSession('revoked'));
      expect(setCookiesOf(answer)).toEqual([]);
    }
    expect(verdictOf(await client().post('/auth/refresh', { refresh_token: 'no token' }))).toEqual(
      refusedSession('malformed'),
    );
    expect(verdictOf(await client().post('/auth/refresh'))).toEqual(missingToken);
  });

  it('two different refresh tokens are refused', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    browser.jar.set('__Host-refresh', 'refresh-token-sample-5');
    expect(verdictOf(await browser.post('/auth/refresh', { refresh_token: 'nope' }))).toEqual(invalidRequest);
    expect(server.calls).toEqual([]);
  });

  it('are listed and ended by their user, and by nobody else', async () => {
    const { sessions, server } = await startStackAuthApp(platform);
    const user = createAuthUser({
      id: alice.id,
      issuer: 'http://localhost:8102/api/v1/projects/c640df62-42eb-4693-89b3-44e61b852ecd',
      provider: 'stack-auth',
      credential: { kind: 'access-token', id: null, scheme: 'Bearer' },
      sessionId: 'ef2e7846-22e3-43d6-a87c-b2031d42382d',
    });
    // Without a token to ask with, the key of the app is needed.
    await expect(sessions.list(user)).rejects.toBeInstanceOf(ConfigurationError);
    const byServer = await startStackAuthApp(platform, { server, issuer: { secretServerKey: 'ssk_sample_1' } });
    const page = await byServer.sessions.list(user);
    expect(page).toEqual({
      items: [
        {
          id: '2849e485-2a78-4c86-ac32-d4bd9d85436c',
          createdAt: new Date(1795343910059),
          lastUsedAt: new Date(1795343910066),
          isImpersonation: false,
          current: false,
        },
        {
          id: 'ef2e7846-22e3-43d6-a87c-b2031d42382d',
          createdAt: new Date(1795343909703),
          lastUsedAt: new Date(1795343909736),
          isImpersonation: false,
          current: true,
        },
      ],
      nextCursor: null,
    });
    const first = await byServer.sessions.list(user, { limit: 1 });
    expect(first.nextCursor).toBe('2849e485-2a78-4c86-ac32-d4bd9d85436c');
    expect((await byServer.sessions.list(user, { cursor: first.nextCursor ?? '' })).items).toHaveLength(1);
    const other = `DELETE /auth/sessions/2849e485-2a78-4c86-ac32-d4bd9d85436c?user_id=${alice.id}`;
    server.replies.set(other, {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: { success: true },
    });
    await byServer.sessions.end(user, '2849e485-2a78-4c86-ac32-d4bd9d85436c');
    expect(server.calls.at(-1)?.call).toBe(other);
    const stranger = 'a1b2c3d4-2a78-4c86-ac32-d4bd9d85436c';
    await expect(byServer.sessions.end(user, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(server.calls.filter(({ call }) => call.includes(stranger))).toEqual([]);
  });

  it('are not listed in part', async () => {
    const { sessions, server } = await startStackAuthApp(platform, { issuer: { secretServerKey: 'ssk_sample_1' } });
    const list = `/auth/sessions?user_id=${alice.id}`;
    const { body, ...rest } = readRecordedExchange('sessions-list-server').response;
    server.replies.set(`GET ${list}`, { ...rest, body: { ...(body as object), pagination: { next_cursor: 'more' } } });
    const user = createAuthUser({
      id: alice.id,
      issuer: 'http://localhost:8102/api/v1/projects/c640df62-42eb-4693-89b3-44e61b852ecd',
      provider: 'stack-auth',
      credential: { kind: 'access-token', id: null, scheme: 'Bearer' },
    });
    await expect(sessions.list(user)).rejects.toMatchObject({ code: 'SERVER_ERROR' });
    server.replies.set(`GET ${list}`, { ...rest, body: { ...(body as object), pagination: { next_cursor: null } } });
    expect((await sessions.list(user)).items).toHaveLength(2);
  });

  it('are created with the key of the app', async () => {
    const { sessions, server } = await startStackAuthApp(platform, { issuer: { secretServerKey: 'ssk_sample_1' } });
    const userId = '8092196d-b8be-42b9-a603-b726e546f4bb';
    expect(await sessions.create(userId, { expiresInSeconds: 3_600 })).toMatchObject({
      userId,
      refreshToken: 'refresh-token-sample-7',
      isNewUser: false,
    });
    expect(await sessions.create(userId, { expiresInSeconds: 3_600, impersonation: true })).toMatchObject({
      refreshToken: 'refresh-token-sample-6',
    });
    expect(server.calls).toHaveLength(2);
    await expect(sessions.create('me')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const expiresInSeconds of [0, 0.5, Number.NaN, 31_708_801]) {
      await expect(sessions.create(userId, { expiresInSeconds })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const without = await startStackAuthApp(platform, { server });
    await expect(without.sessions.create(userId)).rejects.toThrow('stackAuth({ secretServerKey })');
    expect(server.calls).toHaveLength(2);
  });

  it('are known to two instances of an app, which share nothing but Stack Auth', async () => {
    const server = await startStackAuthSessions();
    const one = await startStackAuthApp(platform, { server });
    const other = await startStackAuthApp(platform, { server });
    const browser = one.client();
    await browser.signUp();
    const elsewhere = browser.fork(other.app);
    expect(await elsewhere.call('/me')).toMatchObject({ status: 200, json: { id: alice.id } });
    expect((await elsewhere.refresh()).status).toBe(200);
    expect((await browser.refresh()).status).toBe(200);
  });
});
