/** How an app registers LoginModule: with accounts or users of its own, at once or by a factory, under a prefix; and what stops its start. */
import { HttpException, Inject, Injectable, Module, type LoggerService } from '@nestjs/common';
import { AuthModule, ConfigurationError } from 'nest-gatehouse';
import { AccountError, AccountsModule } from 'nest-gatehouse/accounts';
import {
  type ExternalIdentity,
  github,
  type LoginDecider,
  type LoginDecisionContext,
  LoginModule,
  LoginService,
  openIdProvider,
} from 'nest-gatehouse/login';
import { ownTokens, SessionsModule, type SessionSubject } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/account-app.js';
import { platforms, startApp } from '../support/app.js';
import { beginAsFrontend, corp, goToProvider, locationOf, page, pathOf, signInByLink } from '../support/login-app.js';
import { loginClient, LoginProviderStand } from '../support/login-provider.js';
import { claimsOf, publicUrl, type SessionAppParts, startSessionApp, Users } from '../support/session-app.js';

const unused = { clientId: 'id', clientSecret: 'secret' };
const providers = [github(unused)];

describe.each(platforms)('an app with users of its own on $name', (platform) => {
  const users = new Users({ id: 'u-1', name: 'Ada', roles: ['admin'] }, { id: 'u-2' });

  async function start(
    signIn: NonNullable<Parameters<typeof LoginModule.forRoot>[0]['signIn']>,
    parts: SessionAppParts = {},
  ) {
    const provider = await LoginProviderStand.start();
    const imports = [LoginModule.forRoot({ providers: [corp(provider)], returnTo: page, signIn })];
    const app = await startSessionApp(platform, { clock: provider.clock, users, imports, ...parts });
    return { ...app, provider };
  }

  it('decides by a function who an identity is', async () => {
    const seen: [ExternalIdentity, LoginDecisionContext][] = [];
    const { client, provider } = await start((identity, context) => {
      seen.push([identity, context]);
      return users.all.get('u-1') ?? null;
    });
    const browser = client();
    expect(locationOf(await signInByLink(browser, provider))).toBe(`${page}/`);
    expect(claimsOf(browser.accessToken)).toMatchObject({ sub: 'u-1', amr: ['fed'], roles: ['admin'] });
    expect(seen[0]?.[0]).toMatchObject({
      provider: 'corp',
      subject: 'p-1',
      email: 'ada@example.com',
      emailVerified: true,
      name: 'Ada',
      givenName: null,
      familyName: null,
      pictureUrl: null,
      raw: { sub: 'p-1', email: 'ada@example.com', iss: provider.issuer },
    });
    expect(seen[0]?.[1]).toEqual({ request: expect.any(Object) as object, linkTo: null });

    // The user is told apart from somebody who signs in, and keeps the session.
    const sid = claimsOf(browser.accessToken)['sid'];
    const sentOn = await beginAsFrontend(browser, provider, { link: true, redirectUri: `${page}/callback` });
    expect((await browser.post('/auth/callback/corp', sentOn)).status).toBe(200);
    expect(seen[1]?.[1].linkTo).toBe('u-1');
    expect(claimsOf(browser.accessToken)['sid']).toBe(sid);
  });

  it('decides by a class of its own, which has the dependencies of its module', async () => {
    @Injectable()
    class Directory {
      readonly subject: SessionSubject = { id: 'u-2' };
    }
    @Injectable()
    class Decider implements LoginDecider {
      constructor(@Inject(Directory) private readonly directory: Directory) {}

      signIn(): SessionSubject {
        return this.directory.subject;
      }
    }
    @Module({ providers: [Directory, Decider] })
    class DirectoryModule {}
    const provider = await LoginProviderStand.start();
    const login = LoginModule.forRootAsync({
      useFactory: () => ({ providers: [corp(provider)], returnTo: [page], signIn: Decider }),
      path: 'session',
    });
    const { client } = await startSessionApp(platform, {
      clock: provider.clock,
      users,
      imports: [DirectoryModule, login],
    });
    const browser = client();
    const back = await goToProvider(browser, provider, '/session/login/corp');
    expect(back.pathname).toBe('/session/callback/corp');
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/`);
    expect(claimsOf(browser.accessToken)['sub']).toBe('u-2');
  });

  it.each<readonly [string, () => SessionSubject | null, string, readonly [number, string]]>([
    ['null', () => null, 'access_denied', [401, 'LOGIN_REFUSED']],
    [
      'an error of accounts',
      () => {
        throw AccountError.because('EMAIL_TAKEN', 'x');
      },
      'email_taken',
      [409, 'EMAIL_TAKEN'],
    ],
    [
      'an HttpException',
      () => {
        throw new HttpException({ code: 'TEAM_FULL' }, 403);
      },
      'access_denied',
      [403, 'TEAM_FULL'],
    ],
    [
      'any other error',
      () => {
        throw new Error('the database of users is down');
      },
      'temporarily_unavailable',
      [503, 'SERVER_ERROR'],
    ],
    ['another user for a link', () => ({ id: 'u-2' }), 'identity_taken', [409, 'IDENTITY_TAKEN']],
  ])('answers %s of its function', async (what, decide, error, refusal) => {
    let isAsked = false;
    const { client, provider } = await start((): SessionSubject | null => (isAsked ? decide() : { id: 'u-1' }));
    const browser = client();
    await signInByLink(browser, provider);
    isAsked = true;
    const link = what === 'another user for a link';
    const { json } = await browser.post('/auth/login/corp', { link });
    const back = provider.authorize((json as { url: string }).url);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/?error=${error}`);
    const sentOn = await beginAsFrontend(browser, provider, { link, redirectUri: `${page}/callback` });
    const answer = await browser.post('/auth/callback/corp', sentOn);
    expect([answer.status, codeOf(answer.json)]).toEqual(refusal);
  });

  it('has the callback under its global prefix, and says so at the start', async () => {
    const lines: string[] = [];
    const logger = { log: (line: unknown) => lines.push(String(line)) } as unknown as LoggerService;
    for (const method of ['warn', 'error', 'debug', 'verbose'] as const)
      Object.assign(logger, { [method]: () => undefined });
    const { client, provider, app } = await start(() => ({ id: 'u-1' }), {
      logger,
      prepare: (nest) => nest.setGlobalPrefix('api'),
    });
    const callback = `${publicUrl}/api/auth/callback/corp`;
    expect(lines).toContainEqual(`Callback address to register at corp: ${callback}`);
    expect(app.nest.get(LoginService).providers()).toEqual([{ id: 'corp', callbackUrl: callback }]);
    const browser = client();
    const back = await goToProvider(browser, provider, '/api/auth/login/corp');
    expect(`${back.origin}${back.pathname}`).toBe(callback);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/`);
  });

  it('delivers no cookie where it has none, so that only clients who are called back themselves sign in', async () => {
    const { client, provider } = await start(() => ({ id: 'u-1' }), { sessions: { delivery: ['body'] } });
    const link = await client().call('/auth/login/corp');
    expect([link.status, codeOf(link.json)]).toEqual([404, 'NOT_FOUND']);
    const frontend = client('body');
    const missing = await frontend.post('/auth/login/corp', {});
    expect([missing.status, codeOf(missing.json)]).toEqual([400, 'INVALID_INPUT']);
    const sentOn = await beginAsFrontend(frontend, provider);
    expect(sentOn.attempt).toBeDefined();
    expect((await frontend.post('/auth/callback/corp', sentOn)).json).toMatchObject({ token_type: 'Bearer' });
    expect(frontend.jar.size).toBe(0);
  });
});

describe('the start of an app with LoginModule', () => {
  const [platform] = platforms;
  if (platform === undefined) throw new Error('There is no platform');
  const auth = AuthModule.forRoot({ issuers: ownTokens(), publicUrl });
  const sessions = SessionsModule.forRoot({ findSubject: (id) => ({ id }) });
  const signIn = (): null => null;

  async function faultOf(start: () => unknown): Promise<string> {
    try {
      await start();
    } catch (error) {
      if (error instanceof ConfigurationError) return `${error.path} | ${error.message}`;
      throw error;
    }
    return 'none';
  }

  it.each([
    ['providers', { returnTo: page }, 'a list of providers'],
    ['providers', { returnTo: page, providers: [] }, 'a list of providers'],
    ['providers', { returnTo: page, providers: [{ id: 'github' }] }, 'no provider'],
    ['providers', { returnTo: page, providers: [github(unused), github(unused)] }, 'two providers have the id github'],
    ['returnTo', { providers }, 'it is missing'],
    ['returnTo', { providers, returnTo: ['javascript:alert(1)'] }, 'must not lead to javascript:'],
    ['signIn', { providers, returnTo: page, signIn: 'users' }, 'a function is expected'],
    ['keepTokens', { providers, returnTo: page, keepTokens: 'yes' }, 'true or false'],
    ['path', { providers, returnTo: page, path: false }, 'nobody could sign in'],
    ['keepToken', { providers, returnTo: page, keepToken: true }, 'there is no option'],
  ])('is refused for a wrong %s', async (name, options, problem) => {
    const fault = await faultOf(() =>
      LoginModule.forRoot(options as unknown as Parameters<typeof LoginModule.forRoot>[0]),
    );
    expect(fault).toMatch(new RegExp(`^LoginModule\\.forRoot\\(\\{ ${name}`));
    expect(fault).toContain(problem);
  });

  it.each([
    ['AuthModule and SessionsModule', [LoginModule.forRoot({ providers, returnTo: page, signIn })], 'does not see'],
    [
      'whose an identity is',
      [auth, sessions, memoryStores(), LoginModule.forRoot({ providers, returnTo: page })],
      'Import AccountsModule',
    ],
    ['the stores', [auth, sessions, LoginModule.forRoot({ providers, returnTo: page, signIn })], 'provides a'],
    [
      'that there is one LoginModule',
      [
        ...[auth, sessions, memoryStores()],
        LoginModule.forRoot({ providers, returnTo: page, signIn }),
        LoginModule.forRoot({
          providers: [openIdProvider({ id: 'x', issuer: 'https://x.example', ...loginClient })],
          returnTo: page,
          signIn,
        }),
      ],
      'LoginModule.forRoot',
    ],
  ])('is refused when it does not know %s', async (_what, imports, problem) => {
    expect(await faultOf(() => startApp(platform, { imports }))).toContain(problem);
  });

  it('needs no order of the modules, and no network', async () => {
    const login = LoginModule.forRoot({ providers, returnTo: page });
    const accounts = AccountsModule.forRoot();
    const own = SessionsModule.forRoot();
    for (const imports of [
      [login, accounts, own, auth, memoryStores()],
      [memoryStores(), auth, own, accounts, login],
    ]) {
      const app = await startApp(platform, { imports });
      expect(app.nest.get(LoginService).providers()).toHaveLength(1);
      await app.nest.close();
    }
  });
});
