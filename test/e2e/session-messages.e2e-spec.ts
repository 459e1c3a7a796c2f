/** What a developer who has made a mistake with sessions reads, in the answer and in the log. */
import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { fromBearer, fromHeader } from 'nest-gatehouse';
import { fromSessionCookie, SessionService, type SessionSubject } from 'nest-gatehouse/sessions';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { startSessionApp } from '../support/session-app.js';
import { missingToken, refusedSession, verdictOf } from '../support/verdicts.js';

@Controller()
class MistakenController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Post('not-awaited')
  notAwaited(@Req() request: object, @Res({ passthrough: true }) response: object): object {
    const session = this.sessions.start('alice', { request });
    return this.sessions.deliver(session as never, request, response);
  }

  @Post('start')
  async start(@Body() { subject }: { subject: string }): Promise<object> {
    return { id: (await this.sessions.start(subject)).userId };
  }
}

const controllers = [MistakenController];
const debugOf = (logger: LogLines): readonly string[] => logger.ours('debug').map(({ text }) => text);
const errorsOf = (logger: LogLines): readonly string[] => logger.ours('error').map(({ text }) => text);

describe.each(platforms)('a mistake with sessions, on $name', (platform) => {
  it('a refresh without a token: the answer asks for a refresh token, and the log says where one was looked for', async () => {
    const logger = new LogLines();
    const { client } = await startSessionApp(platform, { logger });
    const answer = await client().post('/auth/refresh', { refreshToken: 'grt_x' });
    expect(verdictOf(answer)).toEqual(missingToken);
    expect(answer.json).toMatchObject({ message: 'A refresh token is required' });
    expect(debugOf(logger).join('\n')).toContain(
      'POST /auth/refresh: refused (MISSING_TOKEN). The request carries no refresh token. Looked in: the cookie __Host-refresh, refresh_token in the body',
    );
  });

  it('looks for a refresh token only where the app delivers one', async () => {
    const logger = new LogLines();
    const { client } = await startSessionApp(platform, { logger, sessions: { delivery: ['body'] } });
    await client().post('/auth/refresh');
    expect(debugOf(logger).join('\n')).toContain('Looked in: refresh_token in the body');
  });

  it.each([
    [null, 'findSubject returned null'],
    [undefined, 'findSubject returned undefined: return the user, or null'],
  ])('a user whom findSubject does not know (%s)', async (found, explanation) => {
    const logger = new LogLines();
    const findSubject = (): SessionSubject | null => found as null;
    const { client } = await startSessionApp(platform, { logger, controllers, sessions: { findSubject } });
    const answer = await client().post('/start', { subject: 'nobody' });
    const message = 'The user is unknown, or must not sign in';
    expect([answer.status, answer.json]).toMatchObject([401, { code: 'INVALID_TOKEN', reason: 'revoked', message }]);
    expect(answer.headers['www-authenticate']).toBe(`Bearer error="invalid_token", error_description="${message}"`);
    expect(debugOf(logger).join('\n')).toContain(explanation);
  });

  it('findSubject returns undefined at a refresh: the log gives the same hint', async () => {
    const logger = new LogLines();
    let calls = 0;
    const findSubject = (id: string): SessionSubject | null => {
      calls += 1;
      return calls === 1 ? { id } : (undefined as never);
    };
    const { client } = await startSessionApp(platform, { logger, sessions: { findSubject } });
    const browser = client();
    await browser.signIn('alice');
    expect(verdictOf(await browser.refresh())).toEqual(refusedSession('revoked'));
    expect(debugOf(logger).join('\n')).toContain('findSubject returned undefined: return the user, or null');
  });

  it('a session that was not awaited', async () => {
    const logger = new LogLines();
    const { client } = await startSessionApp(platform, { logger, controllers });
    expect((await client().post('/not-awaited')).status).toBe(500);
    expect(logger.lines.map(({ text }) => text).join('\n')).toContain('a promise was given. Write await');
  });

  it.each([
    ['the id of start', 7],
    ['the id of a subject', { id: 7 }],
  ])('a number: %s', async (_, subject) => {
    const logger = new LogLines();
    const { client } = await startSessionApp(platform, { logger, controllers });
    expect((await client().post('/start', { subject })).status).toBe(500);
    expect(errorsOf(logger).join('\n')).toMatch(/is a number, and it must be a text\. Write String\(id\)/);
  });

  it('a member of the body that a route does not know', async () => {
    const { client } = await startSessionApp(platform);
    const browser = client();
    await browser.signIn('alice');
    const answer = await browser.post('/auth/sign-out-everywhere', { exceptthis: true });
    expect([answer.status, answer.json]).toMatchObject([
      400,
      {
        code: 'INVALID_INPUT',
        fields: [{ path: 'exceptthis', message: 'there is no such member; known: exceptThis' }],
      },
    ]);
    expect((await browser.call('/me')).status).toBe(200);
    const long = await browser.post('/auth/sign-out-everywhere', { ['x'.repeat(200)]: true });
    expect(long.json).toMatchObject({ fields: [{ path: '' }] });
    expect((await browser.post('/auth/sign-out-everywhere', { exceptThis: true })).status).toBe(204);
  });

  it('another media type: the answer says what is expected', async () => {
    const { app } = await startSessionApp(platform);
    const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const;
    const answer = await app.call('/auth/refresh', { method: 'POST', headers, body: 'refresh_token=x' });
    expect([answer.status, answer.json]).toMatchObject([
      415,
      { message: 'The media type of the body is not supported; application/json is expected' },
    ]);
  });

  it('a text that is no refresh token: the log names both causes', async () => {
    const logger = new LogLines();
    const { client } = await startSessionApp(platform, { logger });
    await client().post('/auth/refresh', { refresh_token: `grt_${'A'.repeat(70)}` });
    expect(debugOf(logger).join('\n')).toContain('or encryptionKey has changed since');
  });

  it.each([
    ['without the cookie', [fromBearer(), fromHeader('x-api-key')], {}, 1],
    ['with the cookie', [fromBearer(), fromSessionCookie()], {}, 0],
    ['without cookies', [fromBearer()], { delivery: ['body'] }, 0],
    ['left out', undefined, {}, 0],
  ] as const)('warns of tokenFrom %s', async (_, tokenFrom, sessions, count) => {
    const logger = new LogLines();
    await startSessionApp(platform, { logger, sessions, auth: tokenFrom === undefined ? {} : { tokenFrom } });
    const lines = logger
      .ours('warn')
      .map(({ text }) => text)
      .filter((text) => text.includes('fromSessionCookie()'));
    expect(lines).toHaveLength(count);
  });
});
