/** Requests that a page of another site makes: a browser adds cookies and Basic credentials to them by itself. */
import { Controller, Delete, Get, HttpCode, Options, Post, UseGuards } from '@nestjs/common';
import { AuthenticationScheme, AuthGuard, AuthModule, type AuthModuleOptions, type AuthUser } from 'nest-gatehouse';
import { type Authentication, type Credential, CurrentUser, fromBearer, type RequestView } from 'nest-gatehouse';
import { fromCookie, fromHeader, oidc, OptionalAuth, Public, type TokenSource } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { behindProxy, type Platform, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import type { Answer, Call } from '../support/http.js';
import { LogLines } from '../support/log-lines.js';
import { someUser } from '../support/some-user.js';
import { accessDenied, invalidRequest, verdictOf } from '../support/verdicts.js';

const idOf = (user: AuthUser | null): object => ({ id: user?.id ?? null });

@UseGuards(AuthGuard)
@Controller('notes')
class NotesController {
  @Get()
  list(@CurrentUser() user: AuthUser): object {
    return idOf(user);
  }

  @HttpCode(200)
  @Post()
  add(@CurrentUser() user: AuthUser): object {
    return idOf(user);
  }

  @Delete()
  remove(@CurrentUser() user: AuthUser): object {
    return idOf(user);
  }

  @Options()
  options(@CurrentUser() user: AuthUser): object {
    return idOf(user);
  }

  @OptionalAuth()
  @HttpCode(200)
  @Post('optional')
  optional(@CurrentUser() user: AuthUser | null): object {
    return idOf(user);
  }

  @Public()
  @HttpCode(200)
  @Post('public')
  open(): object {
    return { id: 'open' };
  }
}

/** Knows one user, by the credentials that browsers ask for and then repeat by themselves. */
class BasicScheme extends AuthenticationScheme {
  override readonly name = 'basic';

  override find(request: RequestView): Credential | undefined {
    const [text] = request.headers('authorization').filter((value) => value.startsWith('Basic '));
    return text === undefined
      ? undefined
      : { text, scheme: 'Basic', source: { place: 'Authorization: Basic', read: () => [] } };
  }

  override authenticate(): Authentication {
    return { user: someUser({ id: 'alice' }), scheme: 'Basic', credentialId: null, token: null, expiresAtMs: null };
  }

  override challenge(): null {
    return null;
  }
}

type Headers = Readonly<Record<string, string>>;

describe.each(platforms)('requests from other sites on $name', (platform) => {
  const logger = new LogLines();
  let issuer: TestIssuer;
  let token: string;
  let app: RunningApp;

  const start = (options: Partial<AuthModuleOptions>, on: Platform = platform): Promise<RunningApp> =>
    startApp(on, {
      logger,
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          tokenFrom: [fromCookie('access_token'), fromBearer()],
          ...options,
        }),
      ],
      controllers: [NotesController],
    });

  const call = (
    running: RunningApp,
    headers: Headers,
    { path = '/notes', method = 'POST' }: Pick<Call, 'method'> & { readonly path?: string } = {},
  ): Promise<Answer> =>
    running.call(path, { method, headers: [['Cookie', `access_token=${token}`], ...Object.entries(headers)] });

  const expectAlice = async (running: RunningApp, headers: Headers): Promise<void> => {
    const { status, json } = await call(running, headers);
    expect([status, json]).toEqual([200, { id: 'alice' }]);
  };

  const expectDenied = async (running: RunningApp, headers: Headers): Promise<void> => {
    expect(verdictOf(await call(running, headers))).toEqual(accessDenied);
    expect(verdictOf(await call(running, headers, { method: 'DELETE' }))).toEqual(accessDenied);
    expect(verdictOf(await call(running, headers, { path: '/notes/optional' }))).toEqual(accessDenied);
  };

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await issuer.token({ aud: 'api', sub: 'alice' });
    app = await start({ trustedOrigins: ['https://app.example.com'] });
  });

  it.each<[string, () => Headers]>([
    ['what is no browser', () => ({})],
    ['a page of the app', () => ({ Origin: app.url })],
    ['a page of the app in other letters', () => ({ Origin: app.url.toUpperCase() })],
    [
      'a page of the app, which the browser reports otherwise',
      () => ({ Origin: app.url, 'Sec-Fetch-Site': 'same-site' }),
    ],
    ['a trusted page', () => ({ Origin: 'https://app.example.com', 'Sec-Fetch-Site': 'same-site' })],
    ['a trusted page of another site', () => ({ Origin: 'https://app.example.com', 'Sec-Fetch-Site': 'cross-site' })],
    ['a page of the same origin by Sec-Fetch-Site', () => ({ 'Sec-Fetch-Site': 'same-origin' })],
    ['a page of the same origin without referrer', () => ({ Origin: 'null', 'Sec-Fetch-Site': 'same-origin' })],
    ['a person who typed the address', () => ({ 'Sec-Fetch-Site': 'none' })],
  ])('pass from %s', async (_, headers) => {
    await expectAlice(app, headers());
  });

  it.each<[string, Headers]>([
    ['another site', { Origin: 'https://evil.example' }],
    ['another site, as browsers report it', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['another port', { Origin: 'http://127.0.0.1:1' }],
    ['a trusted host by another scheme', { Origin: 'http://app.example.com' }],
    ['a sandboxed frame', { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }],
    ['an origin null', { Origin: 'null' }],
    ['another site by Sec-Fetch-Site alone', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a neighbour by Sec-Fetch-Site alone', { 'Sec-Fetch-Site': 'same-site' }],
  ])('are refused with a cookie from %s, on optional routes too', async (_, headers) => {
    await expectDenied(app, headers);
  });

  it('are refused with two Origin headers, of which one is own', async () => {
    const headers = [['Cookie', `access_token=${token}`] as const, ['Origin', app.url] as const];
    const answer = await app.call('/notes', { method: 'POST', headers: [...headers, ['Origin', app.url]] });
    expect(verdictOf(answer)).toEqual(accessDenied);
    expect((await app.call('/notes', { method: 'POST', headers })).status).toBe(200);
  });

  it('pass when they change nothing, and where no credential is read', async () => {
    const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    expect((await call(app, foreign, { method: 'GET' })).json).toEqual({ id: 'alice' });
    expect((await call(app, foreign, { method: 'HEAD' })).status).toBe(200);
    expect((await call(app, foreign, { method: 'OPTIONS' })).json).toEqual({ id: 'alice' });
    expect((await call(app, foreign, { path: '/notes/public' })).json).toEqual({ id: 'open' });
    const guest = await app.call('/notes/optional', { method: 'POST', headers: Object.entries(foreign) });
    expect([guest.status, guest.json]).toEqual([200, { id: null }]);
  });

  it('pass with a token that the page sends itself, also when a cookie repeats it', async () => {
    const foreign = [['Origin', 'https://evil.example'] as const];
    const bearer = await app.call('/notes', { method: 'POST', token, headers: foreign });
    expect([bearer.status, bearer.json]).toEqual([200, { id: 'alice' }]);
    const repeated = await call(app, { ...Object.fromEntries(foreign), Authorization: `Bearer ${token}` });
    expect([repeated.status, repeated.json]).toEqual([200, { id: 'alice' }]);
    const another = await issuer.token({ aud: 'api', sub: 'eve' });
    const contradictory = await call(app, { ...Object.fromEntries(foreign), Authorization: `Bearer ${another}` });
    expect(verdictOf(contradictory)).toEqual(invalidRequest);
  });

  it('are refused before the token is verified', async () => {
    const headers = [['Cookie', 'access_token=rubbish'] as const, ['Origin', 'https://evil.example'] as const];
    expect(verdictOf(await app.call('/notes/optional', { method: 'POST', headers }))).toEqual(accessDenied);
  });

  it('are explained in the log, with the option to change', async () => {
    logger.forget();
    await call(app, { Origin: 'https://evil.example' });
    expect(logger.ours('debug').map(({ text }) => text)).toEqual([
      expect.stringContaining(
        'NotesController.add: refused (ACCESS_DENIED). The request was made by a page of "https://evil.example", ' +
          `with a credential in cookie access_token. Without publicUrl, the HTTP adapter reports "${app.url}" as the app's own`,
      ),
    ]);
  });

  it('pass with a cookie for which the app has turned the check off', async () => {
    const unchecked = await start({ tokenFrom: [fromCookie('access_token', { checkOrigin: false })] });
    await expectAlice(unchecked, { Origin: 'https://evil.example' });
  });

  it("are refused by a cookie that a source of the app's own reads", async () => {
    const mine: TokenSource = { place: 'my cookie', read: (view) => fromCookie('access_token').read(view) };
    const own = await start({ tokenFrom: [mine, fromHeader('x-token')] });
    await expectDenied(own, { Origin: 'https://evil.example' });
    await expectAlice(own, { Origin: own.url });
  });

  it('are refused with Basic, which a browser repeats by itself, unless they change nothing', async () => {
    const basic = await start({ schemes: [new BasicScheme()] });
    const send = async (origin: string, method: 'GET' | 'POST'): Promise<Answer> =>
      basic.call('/notes', {
        method,
        headers: [
          ['Authorization', 'Basic YWxpY2U6c2VjcmV0'],
          ['Origin', origin],
        ],
      });
    expect(verdictOf(await send('https://evil.example', 'POST'))).toEqual(accessDenied);
    expect((await send('https://evil.example', 'GET')).json).toEqual({ id: 'alice' });
    expect((await send(basic.url, 'POST')).json).toEqual({ id: 'alice' });
  });

  const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' };

  it('are judged by the address that clients call, once publicUrl states it', async () => {
    const stated = await start({ publicUrl: 'https://API.example.com/v1/' });
    await expectAlice(stated, { Origin: 'https://api.example.com' });
    await expectDenied(stated, { Origin: stated.url });
    await expectDenied(stated, { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' });
    // A forwarding header of anybody's changes nothing, also where the adapter believes it.
    const trusting = await start({ publicUrl: 'https://api.example.com' }, behindProxy(platform));
    await expectAlice(trusting, { Origin: 'https://api.example.com' });
    await expectDenied(trusting, { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' });
  });

  it('are judged by what the proxy forwards, where the adapter is set to believe it', async () => {
    const trusting = await start({}, behindProxy(platform));
    await expectAlice(trusting, { Origin: 'https://api.example.com', ...forwarded });
    await expectDenied(trusting, { Origin: trusting.url, ...forwarded });
    await expectDenied(trusting, { Origin: 'http://api.example.com', ...forwarded });
  });

  it('are not judged by forwarding headers without that setting', async () => {
    await expectDenied(app, { Origin: 'https://api.example.com', ...forwarded });
    await expectAlice(app, { Origin: app.url, ...forwarded });
  });
});
