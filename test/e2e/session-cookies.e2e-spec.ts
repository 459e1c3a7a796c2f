/** The cookies of sessions: names and attributes by the address of the app, cookies of the app beside them, and their limits. */
import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Public } from 'nest-gatehouse';
import { SessionService } from 'nest-gatehouse/sessions';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { type SessionAppParts, SessionClient, setCookiesOf, startSessionApp, Users } from '../support/session-app.js';
import { refusedSession, verdictOf } from '../support/verdicts.js';

/** An app that sets cookies itself, before and after those of the session, and at errors. */
@Controller('own')
class CookieController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  @Public()
  @Post('sign-in')
  async signIn(
    @Body() { userId }: { readonly userId: string },
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<object> {
    const adapter = this.host.httpAdapter;
    adapter.appendHeader(response, 'Set-Cookie', 'before=1; Path=/');
    const session = await this.sessions.start({ id: userId, name: 'From the app' }, { request, isNewUser: true });
    const answer = this.sessions.deliver(session, request, response);
    adapter.appendHeader(response, 'Set-Cookie', 'after=2; Path=/');
    return answer;
  }

  @Public()
  @Post('clear')
  clear(@Req() request: object, @Res({ passthrough: true }) response: object): object {
    this.host.httpAdapter.appendHeader(response, 'Set-Cookie', 'own=3; Path=/');
    this.sessions.clear(request, response);
    return {};
  }
}

const age = 'Max-Age=1209600';

const forms: readonly (readonly [string, SessionAppParts, string, string])[] = [
  ['https', {}, '__Host-', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
  [
    'https with a path',
    { auth: { publicUrl: 'https://example.com/v1' } },
    '__Host-',
    'Path=/; Secure; HttpOnly; SameSite=Lax',
  ],
  ['http on localhost', { auth: { publicUrl: 'http://localhost:3000' } }, '', 'Path=/; HttpOnly; SameSite=Lax'],
  ['http on 127.0.0.1', { auth: { publicUrl: 'http://127.0.0.1:80' } }, '', 'Path=/; HttpOnly; SameSite=Lax'],
  ['a name', { sessions: { cookies: { name: 'acme' } } }, '__Host-acme-', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
  ['strict', { sessions: { cookies: { sameSite: 'strict' } } }, '__Host-', 'Path=/; Secure; HttpOnly; SameSite=Strict'],
  [
    'none',
    { sessions: { cookies: { sameSite: 'none' } }, auth: { trustedOrigins: ['https://shop.example'] } },
    '__Host-',
    'Path=/; Secure; HttpOnly; SameSite=None',
  ],
  [
    'a domain',
    { sessions: { cookies: { domain: 'example.com', name: 'acme' } } },
    '__Secure-acme-',
    'Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
  ],
];

describe.each(platforms)('the cookies of sessions, on $name', (platform) => {
  it.each(forms)('by %s', async (_, parts, prefix, attributes) => {
    const { client, clock } = await startSessionApp(platform, parts);
    const browser = client();
    const withoutValues = (lines: string[]): string[] => lines.map((line) => line.replace(/=[^;]*/, ''));
    const all = (last: string): string[] =>
      ['access', 'refresh'].map((end) => `${prefix}${end}; ${attributes}; ${last}`);
    expect(withoutValues(setCookiesOf(await browser.signIn('alice')))).toEqual(all(age));
    expect((await browser.call('/me')).status).toBe(200);
    clock.advanceSeconds(100);
    expect(withoutValues(setCookiesOf(await browser.refresh()))).toEqual(all(age));
    const cleared = await browser.post('/auth/sign-out');
    expect(setCookiesOf(cleared)).toEqual(
      ['access', 'refresh'].map((end) => `${prefix}${end}=; ${attributes}; Max-Age=0`),
    );
    expect(browser.jar.size).toBe(0);
  });

  it('last as long as the session may be idle, and no longer than it lives', async () => {
    const { client, clock } = await startSessionApp(platform, {
      sessions: { session: { idleSeconds: 1_000, absoluteSeconds: 1_500 } },
    });
    const browser = client();
    const ages = (lines: string[]): string[] => lines.map((line) => line.split('; ').at(-1) ?? '');
    expect(ages(setCookiesOf(await browser.signIn('alice')))).toEqual(['Max-Age=1000', 'Max-Age=1000']);
    clock.advanceSeconds(700);
    const tab = browser.fork();
    expect(ages(setCookiesOf(await browser.refresh()))).toEqual(['Max-Age=800', 'Max-Age=800']);
    clock.advanceSeconds(3);
    expect(ages(setCookiesOf(await tab.refresh()))).toEqual(['Max-Age=797', 'Max-Age=797']);
    clock.advanceSeconds(796.5);
    expect(ages(setCookiesOf(await browser.refresh()))).toEqual(['Max-Age=0', 'Max-Age=0']);
    clock.advanceSeconds(1);
    expect(verdictOf(await tab.refresh())).toEqual(refusedSession('expired'));
  });

  it('are gone with the browser where the user does not want to be remembered', async () => {
    const { client } = await startSessionApp(platform);
    const browser = client();
    for (const answer of [await browser.signIn('alice', { remember: false }), await browser.refresh()]) {
      const lines = setCookiesOf(answer);
      expect(lines).toHaveLength(2);
      for (const line of lines) expect(line).not.toContain('Max-Age');
    }
    expect(setCookiesOf(await browser.post('/auth/sign-out')).join()).toMatch(/Max-Age=0.*Max-Age=0/);
  });

  it('stand beside those of the app', async () => {
    const { app } = await startSessionApp(platform, { controllers: [CookieController] });
    const browser = new SessionClient(app);
    const answer = await browser.post('/own/sign-in', { userId: 'carol' });
    expect(answer.json).toMatchObject({ user: { id: 'carol', name: 'From the app' }, is_new_user: true });
    expect([...browser.jar.keys()]).toEqual(['before', '__Host-access', '__Host-refresh', 'after']);
    expect(setCookiesOf(await browser.post('/own/clear'))).toEqual([
      'own=3; Path=/',
      expect.stringMatching(/^__Host-access=;.*Max-Age=0$/) as string,
      expect.stringMatching(/^__Host-refresh=;.*Max-Age=0$/) as string,
    ]);
    expect([...browser.jar.keys()]).toEqual(['before', 'after', 'own']);
  });

  it('warn of a domain once, when the app starts', async () => {
    const logger = new LogLines();
    await startSessionApp(platform, { logger, sessions: { cookies: { domain: 'example.com' } } });
    expect(logger.ours('warn').map(({ text }) => text)).toEqual([
      expect.stringMatching(/all hosts of example\.com.*cookies: \{ domain \}/) as string,
    ]);
    const silent = new LogLines();
    await startSessionApp(platform, { logger: silent });
    expect(silent.ours('warn')).toEqual([]);
  });

  it('are refused above 4,096 bytes, with the options in the log, and the session stays as it was', async () => {
    const logger = new LogLines();
    const claims: Record<string, string> = { tenant: 't1' };
    const users = new Users({ id: 'alice', claims });
    const { client, clock, service } = await startSessionApp(platform, { logger, users });
    const [browser, phone] = [client(), client('body')];
    await browser.signIn('alice');
    await phone.signIn('alice');
    const before = new Map(browser.jar);
    claims['grants'] = 'x'.repeat(4_000);
    logger.forget();
    for (let time = 0; time < 3; time += 1) {
      const answer = await browser.refresh();
      expect(answer.status).toBe(500);
      expect(setCookiesOf(answer)).toEqual([]);
      expect(answer.text).not.toContain('xxx');
      clock.advanceSeconds(20);
    }
    const lines = logger.lines.filter(({ level }) => level === 'error').map(({ text }) => text);
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line).toMatch(/cookie of \d{4} bytes.*4096.*claims.*include.*delivery/s);
      expect(line).not.toContain(browser.accessToken);
    }
    expect((await client().signIn('alice')).status).toBe(500);
    expect((await browser.signIn('alice')).status).toBe(500);
    // Neither has a failed sign-in begun a session, nor ended the one that the browser has.
    expect((await service.list('alice')).items).toHaveLength(2);
    expect((await phone.refresh()).status).toBe(200);
    delete claims['grants'];
    expect(browser.jar).toEqual(before);
    expect((await browser.refresh()).status).toBe(200);
  });

  it('leave the refresh token as it was when the app cannot make the user of the answer', async () => {
    let isBroken = false;
    const presentUser = ({ id }: { readonly id: string }): object => {
      if (isBroken) throw new Error('a bug of the app');
      return { me: id };
    };
    const { client, clock } = await startSessionApp(platform, { sessions: { presentUser } });
    const browser = client();
    expect((await browser.signIn('alice')).json).toMatchObject({ user: { me: 'alice' } });
    isBroken = true;
    expect((await browser.refresh()).status).toBe(500);
    isBroken = false;
    clock.advanceSeconds(30);
    expect((await browser.refresh()).json).toMatchObject({ user: { me: 'alice' } });
    expect((await browser.call('/auth/me')).json).toEqual({ user: { me: 'alice' } });
  });
});
