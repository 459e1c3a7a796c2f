/** How `SessionsModule` is put together with the other modules of an app: each mistake stops the start and names the fix. */
import { Inject, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { AuthModule, type AuthModuleOptions, firstOf, fromBearer, oidc } from 'nest-gatehouse';
import {
  fromSessionCookie,
  ownTokens,
  SessionService,
  SessionsModule,
  type SessionsModuleOptions,
  type SessionSubject,
  type SubjectFinder,
} from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { SessionClient, SessionTestController } from '../support/session-app.js';
import { verdictOf } from '../support/verdicts.js';

const publicUrl = 'https://api.example.com';
const findSubject = (id: string): SessionSubject => ({ id });
const auth = (more: Partial<AuthModuleOptions> = {}) =>
  AuthModule.forRoot({ issuers: ownTokens(), publicUrl, ...more });
const sessions = (more: Partial<SessionsModuleOptions> = {}) => SessionsModule.forRoot({ findSubject, ...more });

type Imports = NonNullable<ModuleMetadata['imports']>;

const [platform = platforms[0]] = platforms;
const startWith = (imports: Imports) => {
  if (platform === undefined) throw new Error('there is no platform');
  return startApp(platform, { imports, controllers: [SessionTestController] });
};

describe('an app that cannot work does not start', () => {
  const other = oidc({ issuer: 'https://issuer.example', audience: 'api' });
  const mistakes: Readonly<Record<string, [imports: () => Imports, message: string]>> = {
    'no SessionsModule': [() => [auth(), memoryStores()], 'there is no SessionsModule in this app'],
    'two SessionsModules': [() => [auth(), sessions(), sessions(), memoryStores()], 'the module is registered 2 times'],
    'own tokens that AuthModule does not accept': [
      () => [auth({ issuers: other }), sessions(), memoryStores()],
      'Add ownTokens() of nest-gatehouse/sessions to the issuers',
    ],
    'ownTokens() twice': [() => [auth({ issuers: [ownTokens(), ownTokens()] }), sessions(), memoryStores()], 'twice'],
    'no publicUrl': [
      () => [AuthModule.forRoot({ issuers: ownTokens() }), sessions(), memoryStores()],
      'AuthModule.forRoot({ publicUrl })',
    ],
    'no AuthModule': [() => [sessions(), memoryStores()], 'it does not see AuthModule'],
    'an AuthModule that is not global': [
      () => [AuthModule.forRoot({ issuers: other, publicUrl, isGlobal: false }), sessions(), memoryStores()],
      'leave isGlobal out',
    ],
    'no stores': [() => [auth(), sessions()], 'no module of this app provides a SessionStore'],
    'two modules with stores': [
      () => [auth(), sessions(), memoryStores(), memoryStores()],
      'two modules provide a SessionStore',
    ],
    'nothing that knows the users': [
      () => [auth(), SessionsModule.forRoot(), memoryStores()],
      'SessionsModule.forRoot({ findSubject })',
    ],
    'revocation that is off': [
      () => [auth({ revocation: false }), sessions(), memoryStores()],
      'AuthModule.forRoot({ revocation }): it is off',
    ],
    'the session cookie, which is not delivered': [
      () => [auth({ tokenFrom: [fromSessionCookie()] }), sessions({ delivery: ['body'] }), memoryStores()],
      'SessionsModule delivers no cookies',
    ],
    'a wrong option': [
      () => [auth(), sessions({ accessToken: { lifetimeSeconds: 5 } }), memoryStores()],
      'SessionsModule.forRoot({ accessToken })({ lifetimeSeconds })',
    ],
    'an option of a factory that belongs beside it': [
      () => [auth(), SessionsModule.forRootAsync({ useFactory: () => ({ findSubject, path: 'x' }) }), memoryStores()],
      'Write it next to the factory',
    ],
  };

  it.each(Object.entries(mistakes))('%s', async (_, [imports, message]) => {
    await expect(startWith(imports())).rejects.toThrow(message);
  });

  it('an unknown option is refused at once', () => {
    expect(() => SessionsModule.forRoot({ findSubjects: findSubject } as object)).toThrow('Did you mean findSubject');
  });

  it('a path that is none is refused at once', () => {
    expect(() => SessionsModule.forRoot({ findSubject, path: 'auth/:id' })).toThrow('it is not a path');
  });
});

@Injectable()
class Users implements SubjectFinder {
  readonly asked: string[] = [];

  findSubject(id: string): SessionSubject {
    this.asked.push(id);
    return { id, name: 'from a class' };
  }
}

@Module({ providers: [Users], exports: [Users] })
class UsersModule {}

@Injectable()
class UsersOfUsers implements SubjectFinder {
  constructor(@Inject(SessionService) private readonly service: SessionService) {}

  findSubject(id: string): SessionSubject {
    return { id, name: this.service.constructor.name };
  }
}

describe.each(platforms)('SessionsModule, on $name', (own) => {
  const start = (imports: Imports, log?: LogLines) =>
    startApp(own, { imports, controllers: [SessionTestController], ...(log !== undefined && { logger: log }) });

  it.each([
    ['a function', findSubject, null],
    ['an object', { findSubject: (id: string) => ({ id, name: 'from an object' }) }, 'from an object'],
    ['a class that a module provides', Users, 'from a class'],
    ['a class that Nest creates', UsersOfUsers, 'SessionService'],
  ] as const)('looks users up by %s', async (_, finder, name) => {
    const app = await start([UsersModule, memoryStores(), sessions({ findSubject: finder }), auth()]);
    const browser = new SessionClient(app);
    expect((await browser.signIn('alice')).json).toMatchObject({ user: { id: 'alice', name } });
    expect((await browser.call('/me')).status).toBe(200);
    if (finder === Users) expect(app.nest.get(Users).asked).toEqual(['alice']);
  });

  @Injectable()
  class Options {
    createSessionOptions(): SessionsModuleOptions {
      return { findSubject, cookies: { name: 'made' } };
    }
  }
  @Module({ providers: [Options], exports: [Options] })
  class OptionsModule {}

  it.each([
    ['useFactory', { inject: [Options], useFactory: (options: Options) => options.createSessionOptions() }],
    ['useClass', { useClass: Options }],
    ['useExisting', { useExisting: Options }],
  ])('takes its options from %s, with the path beside it', async (_, way) => {
    const module = SessionsModule.forRootAsync({ imports: [OptionsModule], path: '/session/', ...way });
    const app = await start([auth(), module, memoryStores()]);
    const browser = new SessionClient(app);
    await browser.signIn('alice');
    expect([...browser.jar.keys()]).toEqual(['__Host-made-access', '__Host-made-refresh']);
    expect((await browser.post('/session/refresh')).status).toBe(200);
    expect((await browser.post('/auth/refresh')).status).toBe(404);
  });

  it('has no routes where path is false', async () => {
    const app = await start([auth(), sessions({ path: false }), memoryStores()]);
    const browser = new SessionClient(app);
    await browser.signIn('alice');
    expect((await browser.post('/auth/refresh')).status).toBe(404);
    expect((await browser.call('/me')).status).toBe(200);
    expect((await browser.call('/.well-known/jwks.json')).status).toBe(200);
  });

  it('reads the session cookie where tokenFrom lists it, in firstOf as well', async () => {
    const tokenFrom = firstOf(fromBearer(), fromSessionCookie());
    const app = await start([auth({ tokenFrom }), sessions(), memoryStores()]);
    const browser = new SessionClient(app);
    await browser.signIn('alice');
    expect((await browser.call('/me')).status).toBe(200);
    browser.jar.clear();
    expect(verdictOf(await browser.call('/me'))).toMatchObject({ status: 401, code: 'MISSING_TOKEN' });
  });

  it('warns of cookies for a whole domain', async () => {
    const log = new LogLines();
    const app = await start([auth(), sessions({ cookies: { domain: 'example.com' } }), memoryStores()], log);
    expect(log.ours('warn').map(({ text }) => text)).toEqual([expect.stringContaining('all hosts of example.com')]);
    const browser = new SessionClient(app);
    await browser.signIn('alice');
    expect([...browser.jar.keys()]).toEqual(['__Secure-access', '__Secure-refresh']);
  });
});
