/** Sign-outs of sessions that Stack Auth keeps: which sessions end, and which tokens are sent. */
import { RevocationStore } from 'nest-gatehouse';
import { MemoryRevocationStore } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { setCookiesOf } from '../support/session-app.js';
import { recordedClock, startStackAuthApp } from '../support/stack-auth-app.js';
import { readRecordedExchange, readRecordedTokens } from '../vectors/stack-auth/recorded.js';

const tokens = readRecordedTokens();
const refreshCall = 'POST /auth/sessions/current/refresh';
const endCall = 'DELETE /auth/sessions/current';
const cleared = ['__Host-access', '__Host-refresh'].map(
  (name) => `${name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`,
);

describe.each(platforms)('sessions that Stack Auth keeps, on $name,', (platform) => {
  it('end by a sign-out, by the access token', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    await browser.withPassword();
    const answer = await browser.post('/auth/sign-out');
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(setCookiesOf(answer)).toEqual(cleared);
    // The refresh token is of the same session, so it gives nothing.
    expect(server.calls.slice(1).map(({ call }) => call)).toEqual([endCall, refreshCall]);
    expect(server.calls.at(1)?.headers['x-stack-refresh-token']).toBeUndefined();
    expect(browser.jar.size).toBe(0);
  });

  it('end both, when the access token and the refresh token are of two', async () => {
    const { client, server } = await startStackAuthApp(platform, { auth: { revocation: true } });
    const browser = client();
    await browser.withPassword();
    browser.jar.set('__Host-refresh', 'refresh-token-sample-5');
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    expect(server.calls.slice(1).map(({ call }) => call)).toEqual([endCall, refreshCall, endCall]);
    const ended = server.calls.filter(({ call }) => call === endCall);
    expect(ended.map(({ headers }) => headers['x-stack-access-token'])).toEqual([
      tokens['password-sign-in'],
      tokens['session-refresh'],
    ]);
  });

  it('end for a user who was deleted, at a server that fails to refresh then', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    await browser.signUp();
    server.replies.set(refreshCall, readRecordedExchange('session-refresh-deleted-user', '2.8.37').response);
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    expect(browser.jar.size).toBe(0);
    // A failure of another kind leaves the cookies: the other session may go on.
    await browser.signUp();
    server.replies.set(refreshCall, { status: 503, headers: {}, body: '' });
    expect((await browser.post('/auth/sign-out')).status).toBe(503);
    expect(browser.jar.size).toBe(2);
  });

  it('do not seem to have ended when Stack Auth refuses to end them', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    await browser.signUp();
    server.replies.set(endCall, { status: 403, headers: { 'content-type': 'text/plain' }, body: 'Feature disabled' });
    const answer = await browser.post('/auth/sign-out');
    expect([answer.status, setCookiesOf(answer)]).toEqual([503, []]);
    expect(browser.jar.size).toBe(2);
  });

  it('end by a sign-out with an expired access token, which is refreshed first', async () => {
    const { client, server, clock } = await startStackAuthApp(platform);
    const browser = client();
    await browser.signUp();
    clock.advanceSeconds(601);
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    expect(server.calls.slice(1).map(({ call }) => call)).toEqual([refreshCall, endCall]);
    expect(server.calls.at(-1)?.headers['x-stack-access-token']).toBe(tokens['session-refresh']);
  });

  it('end when the clock of Stack Auth is ahead: its refusal leads to a refresh', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    await browser.signUp();
    const expired = readRecordedExchange('session-sign-out-expired-token').response;
    server.replies.set(endCall, (_, headers) =>
      headers['x-stack-access-token'] === tokens['password-sign-up']
        ? expired
        : readRecordedExchange('session-sign-out').response,
    );
    expect((await browser.post('/auth/sign-out')).status).toBe(204);
    expect(server.calls.slice(1).map(({ call }) => call)).toEqual([endCall, refreshCall, endCall]);
  });

  it('end for a guest, and for a client that has its tokens in the body', async () => {
    const { client, server } = await startStackAuthApp(platform);
    const guest = client('body');
    await guest.begin('anonymous');
    expect((await guest.post('/auth/sign-out', { refresh_token: guest.refreshToken })).status).toBe(204);
    expect(server.calls.at(-1)?.call).toBe(endCall);
    expect(server.calls.at(-1)?.headers['x-stack-allow-anonymous-user']).toBe('true');
  });

  it.each([
    [true, 401],
    [false, 200],
  ])(
    'with revocation: %s, an access token of a session that was signed out is answered with %s',
    async (revocation, status) => {
      const { client, app } = await startStackAuthApp(platform, { auth: { revocation } });
      const browser = client();
      await browser.withPassword();
      const token = browser.accessToken;
      await browser.post('/auth/sign-out');
      expect((await app.call('/me', { token })).status).toBe(status);
    },
  );

  it('are revoked under all issuers of the project that the app accepts', async () => {
    const clock = recordedClock();
    const store = new MemoryRevocationStore(clock);
    const { client, server } = await startStackAuthApp(platform, {
      clock,
      auth: { revocation: true },
      issuer: { allowAnonymous: true },
      providers: [{ provide: RevocationStore, useValue: store }],
    });
    server.replies.set(refreshCall, readRecordedExchange('session-refresh-after-sign-out').response);
    const guest = client();
    await guest.begin('anonymous');
    await guest.post('/auth/sign-out');
    const sessionId = '8bbb34d5-3f13-492c-ba36-dd12946f9507';
    const of = (path: string): object => ({
      kind: 'session',
      issuer: `http://localhost:8102/api/v1/${path}/c640df62-42eb-4693-89b3-44e61b852ecd`,
      value: sessionId,
    });
    expect((await store.snapshot()).entries).toMatchObject([of('projects'), of('projects-anonymous-users')]);
  });

  it('of other issuers are not theirs: their tokens are not sent to Stack Auth', async () => {
    const { client, server, app } = await startStackAuthApp(platform);
    const foreign = { iss: 'https://app.example', sub: 'u', exp: 4_000_000_000, is_anonymous: true };
    const parts = [{ alg: 'ES256' }, foreign].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const token = `${parts.join('.')}.c2ln`;
    const answer = await app.call('/auth/sign-out', { method: 'POST', token });
    expect([answer.status, setCookiesOf(answer)]).toEqual([204, cleared]);
    expect(server.calls).toEqual([]);
    const login = await app.call('/auth/login/github', { token });
    expect(login.status).toBe(302);
    expect(login.headers['location']).not.toContain(token);
    const guest = client();
    guest.jar.set('__Host-access', token);
    await guest.signUp();
    expect(server.calls.at(-1)?.headers['x-stack-access-token']).toBeUndefined();
  });

  it('need not be there for a sign-out', async () => {
    const { client, server } = await startStackAuthApp(platform);
    for (const [access, refresh] of [
      [null, null],
      [null, 'nope'],
      ['no token', 'no token at all'],
    ]) {
      const browser = client();
      if (access !== null && access !== undefined) browser.jar.set('__Host-access', access);
      if (refresh !== null && refresh !== undefined) browser.jar.set('__Host-refresh', refresh);
      const answer = await browser.post('/auth/sign-out');
      expect([answer.status, setCookiesOf(answer)]).toEqual([204, cleared]);
    }
    expect(server.calls.map(({ call }) => call)).toEqual([refreshCall]);
  });

  it('signed out twice are no outage, although Stack Auth answers 500', async () => {
    const logger = new LogLines();
    const { sessions, server } = await startStackAuthApp(platform, { logger });
    server.replies.set(endCall, readRecordedExchange('session-sign-out-again').response);
    server.replies.set('GET /auth/sessions?user_id=me', readRecordedExchange('sessions-list-client-me').response);
    // The list is that of another moment: the session of this token is not in it.
    await sessions.signOut({
      accessToken: tokens['session-create-server'] ?? '',
    });
    expect(server.calls.map(({ call }) => call)).toEqual([endCall, 'GET /auth/sessions?user_id=me']);
    // This one is in the list: it was not ended.
    await expect(sessions.signOut({ accessToken: tokens['password-sign-up'] ?? '' })).rejects.toMatchObject({
      code: 'SERVER_ERROR',
    });
  });
});
