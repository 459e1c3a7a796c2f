/** The user of a session, whom the app looks up when it begins, for each refresh and for GET /auth/me. */
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { setCookiesOf, startSessionApp, Users } from '../support/session-app.js';
import { invalidToken, refusedSession, unavailable, verdictOf } from '../support/verdicts.js';

describe.each(platforms)('the user of a session, on $name', (platform) => {
  it('is shown as the app knows them now', async () => {
    const { client, users } = await startSessionApp(platform);
    const browser = client();
    await browser.signIn('alice');
    users.all.set('alice', { id: 'alice', name: 'Alice B', claims: { secret: 'x' } });
    const answer = await browser.call('/auth/me');
    expect(answer.json).toMatchObject({ user: { id: 'alice', name: 'Alice B', email: null, roles: [] } });
    expect(answer.text).not.toContain('secret');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await browser.refresh()).json).toMatchObject({ user: { name: 'Alice B' }, is_new_user: false });
  });

  it.each(['refresh', 'me'] as const)('who is gone at %s ends the session', async (route) => {
    const { client, users } = await startSessionApp(platform);
    const [browser, phone] = [client(), client('body')];
    await browser.signIn('alice');
    await phone.signIn('alice');
    users.all.delete('alice');
    const first = route === 'refresh' ? await browser.refresh() : await browser.call('/auth/me');
    expect(verdictOf(first)).toEqual(refusedSession('revoked'));
    expect(setCookiesOf(first)).toEqual([]);
    users.all.set('alice', { id: 'alice' });
    expect(verdictOf(await browser.refresh())).toEqual(refusedSession('revoked'));
    expect(verdictOf(await browser.call('/me'))).toEqual(invalidToken('revoked'));
    expect((await phone.refresh()).status).toBe(200);
  });

  it('who is not known cannot sign in', async () => {
    const { client } = await startSessionApp(platform);
    const browser = client();
    const verdict = {
      ...refusedSession('revoked'),
      challenge: 'Bearer error="invalid_token", error_description="The user is unknown, or must not sign in"',
    };
    expect(verdictOf(await browser.signIn('mallory'))).toEqual(verdict);
    expect(browser.jar.size).toBe(0);
  });

  it('who cannot be looked up is answered with 503, and the token still works afterwards', async () => {
    const logger = new LogLines();
    const { client, users, clock } = await startSessionApp(platform, { logger });
    const browser = client();
    await browser.signIn('alice');
    const token = browser.refreshToken;
    users.fault = new Error('connect ECONNREFUSED postgres://app:geheim@db');
    for (const answer of [await browser.refresh(), await browser.call('/auth/me'), await client().signIn('alice')]) {
      expect(verdictOf(answer)).toEqual(unavailable);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      expect(setCookiesOf(answer)).toEqual([]);
    }
    const [line, ...others] = logger.ours('error').map(({ text }) => text);
    const thrown = 'it threw Error "connect ECONNREFUSED postgres://[credentials]@db" at ';
    expect(line).toContain(`Cannot get a user from findSubject: ${thrown}`);
    expect(line).toMatch(/ at .*session-users\.e2e-spec\.ts/);
    expect(others).toEqual([]);
    clock.advanceSeconds(60);
    users.fault = null;
    expect(browser.refreshToken).toBe(token);
    expect((await browser.refresh()).status).toBe(200);
    expect(browser.refreshToken).not.toBe(token);
    expect(
      logger
        .ours()
        .map(({ text }) => text)
        .join(),
    ).not.toContain('geheim');
  });

  it.each([
    ['another id', { id: 'Alice' }, 'another id'],
    ['a registered name', { id: 'alice', claims: { sub: 'root' } }, 'claims contains sub'],
    ['an empty id', { id: '' }, 'id of the subject'],
  ])('with %s is a fault of the app, which the log explains', async (_, subject, problem) => {
    const logger = new LogLines();
    const users = new Users({ id: 'alice' });
    const { client, clock } = await startSessionApp(platform, { logger, users });
    const browser = client();
    await browser.signIn('alice');
    users.all.set('alice', subject);
    logger.forget();
    for (const answer of [await browser.refresh(), await browser.call('/auth/me'), await client().signIn('alice')]) {
      expect([answer.status, setCookiesOf(answer)]).toEqual([500, []]);
      expect(answer.text).not.toContain(problem);
    }
    const errors = logger.lines.filter(({ level }) => level === 'error').map(({ text }) => text);
    expect(errors).toHaveLength(3);
    for (const line of errors) expect(line).toContain(problem);
    users.all.set('alice', { id: 'alice' });
    clock.advanceSeconds(60);
    expect((await browser.refresh()).status).toBe(200);
  });
});
