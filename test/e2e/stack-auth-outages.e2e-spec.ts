/** What becomes of sessions at Stack Auth while it does not answer, limits the rate of calls, or refuses the keys of the app. */
import { describe, expect, it } from 'vitest';
import { startServer } from '../support/answering-server.js';
import { platforms } from '../support/app.js';
import type { Answer } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { setCookiesOf } from '../support/session-app.js';
import { alice, startStackAuthApp } from '../support/stack-auth-app.js';
import { unavailable, verdictOf } from '../support/verdicts.js';
import { readRecordedExchange } from '../vectors/stack-auth/recorded.js';

describe.each(platforms)('sessions at Stack Auth on $name', (platform) => {
  it('outlive an outage: 503 with Retry-After, nothing lost, and no sign-in is sent twice', async () => {
    const logger = new LogLines();
    const { client, server } = await startStackAuthApp(platform, { logger });
    const browser = client();
    await browser.signUp();
    server.calls.length = 0;
    server.fault = { status: 502, headers: { 'content-type': 'text/html' }, body: '<p>' };
    const refreshed = await browser.refresh();
    expect(verdictOf(refreshed)).toEqual(unavailable);
    expect(Number(refreshed.headers['retry-after'])).toBeGreaterThan(0);
    expect(setCookiesOf(refreshed)).toEqual([]);
    // A refresh changes nothing, so it is repeated.
    const before = server.calls.length;
    expect(before).toBe(3);
    server.fault = 'reset';
    expect(verdictOf(await client().withPassword())).toEqual(unavailable);
    expect(server.calls.length - before).toBe(1);
    server.fault = null;
    expect((await browser.refresh()).status).toBe(200);
    const texts = logger.ours('error').map(({ text }) => text);
    expect(texts).toHaveLength(1);
    expect(logger.lines.some(({ text }) => text.includes(alice.password) || text.includes('sample-5'))).toBe(false);
  });

  it('are refreshed and ended while one guest makes Stack Auth fail, which is no outage for the others', async () => {
    const { client, server, app } = await startStackAuthApp(platform);
    const browser = client();
    await browser.withPassword();
    const token = browser.accessToken;
    await browser.post('/auth/sign-out');
    server.replies.set('GET /auth/sessions?user_id=me', readRecordedExchange('session-sign-out-again').response);
    const signOut = (): Promise<Answer> => app.call('/auth/sign-out', { method: 'POST', token });
    const answers = await Promise.all(Array.from({ length: 8 }, signOut));
    expect(answers.map(verdictOf)).toEqual(answers.map(() => unavailable));
    const failed = readRecordedExchange('session-refresh-deleted-user', '2.8.37').response;
    server.replies.set('POST /auth/sessions/current/refresh', (_, headers) =>
      headers['x-stack-refresh-token'] === 'deleted' ? failed : undefined,
    );
    const before = server.calls.length;
    const refreshToken = { refresh_token: 'deleted' };
    const refresh = (): Promise<Answer> => client('body').post('/auth/refresh', refreshToken);
    const refreshed = await Promise.all(Array.from({ length: 8 }, refresh));
    expect(refreshed.map(verdictOf)).toEqual(refreshed.map(() => unavailable));
    expect(server.calls.length - before).toBe(8);
    const other = client();
    expect((await other.withPassword()).status).toBe(200);
    other.jar.set('__Host-refresh', 'refresh-token-sample-5');
    expect((await other.refresh()).status).toBe(200);
  });

  it('give their refresh token to the address of Stack Auth alone: a redirect is not followed', async () => {
    const elsewhere = await startServer((_request, response) => void response.end('{}'));
    const { client, server } = await startStackAuthApp(platform);
    const browser = client();
    await browser.signUp();
    server.fault = { status: 307, headers: { location: `${elsewhere.url}/` }, body: '' };
    expect(verdictOf(await browser.refresh())).toEqual(unavailable);
    expect(verdictOf(await browser.post('/auth/sign-out'))).toEqual(unavailable);
    expect(elsewhere.requests).toEqual([]);
  });

  it('cannot be ended during an outage, which the answer and the log state; the browser keeps them', async () => {
    const logger = new LogLines();
    const { client, server } = await startStackAuthApp(platform, { logger });
    const browser = client();
    await browser.signUp();
    server.fault = 'reset';
    const answer = await browser.post('/auth/sign-out');
    expect([answer.status, setCookiesOf(answer)]).toEqual([503, []]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(
      logger
        .ours('error')
        .map(({ text }) => text)
        .join(),
    ).toContain('sign-out');
  });

  it.each([
    ['users-me-client-wrong-publishable-key', 'stackAuth({ publishableClientKey })'],
    ['users-me-unknown-project', 'stackAuth({ projectId })'],
    ['users-me-server-wrong-secret-key', 'stackAuth({ secretServerKey })'],
  ])('are not served with a wrong key or project of ours (%s): 503, and the log names it', async (name, option) => {
    const logger = new LogLines();
    const { client, server } = await startStackAuthApp(platform, { logger });
    server.fault = readRecordedExchange(name).response;
    const browser = client();
    browser.jar.set('__Host-refresh', 'refresh-token-sample-5');
    for (const answer of [
      await browser.withPassword(),
      await browser.refresh(),
      await browser.post('/auth/sign-out'),
    ]) {
      expect(setCookiesOf(answer)).toEqual([]);
      expect(verdictOf(answer)).toEqual(unavailable);
      expect(answer.text).not.toContain('stack');
    }
    expect(
      logger
        .ours('error')
        .map(({ text }) => text)
        .join(),
    ).toContain(option);
    expect(browser.cookie('refresh')).toBe('refresh-token-sample-5');
  });

  it.each([
    ['rate-limited-with-retry-after', '4'],
    ['rate-limited-without-retry-after', '5'],
  ])('are limited in their rate (%s): 429 with Retry-After', async (name, seconds) => {
    const { client, server } = await startStackAuthApp(platform);
    server.fault = readRecordedExchange(name).response;
    const browser = client();
    browser.jar.set('__Host-refresh', 'refresh-token-sample-5');
    for (const answer of [await browser.withPassword(), await browser.refresh()]) {
      expect(verdictOf(answer)).toEqual({ status: 429, challenge: undefined, code: 'TOO_MANY_ATTEMPTS' });
      expect(answer.headers['retry-after']).toBe(seconds);
    }
    // The pause that Stack Auth asks for is kept: the session of the sign-out has had its answer.
    expect(server.calls).toHaveLength(2);
    server.fault = null;
    expect((await browser.refresh()).status).toBe(200);
  });
});
