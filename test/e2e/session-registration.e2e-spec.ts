/** SessionsModule among the modules of an app: in any order, with services of the app, and what does not go with it. */
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { AuthModule, ConfigurationError, jwtIssuer } from 'nest-gatehouse';
import {
  fromSessionCookie,
  ownTokens,
  SessionsModule,
  type SessionSubject,
  type SubjectFinder,
} from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { type AppParts, type Platform, platforms, type RunningApp, startApp } from '../support/app.js';
import { contributingModule } from '../support/issuing-app.js';
import { publicUrl, SessionClient, SessionTestController } from '../support/session-app.js';

type Imports = NonNullable<AppParts['imports']>;

const findSubject = (id: string): SessionSubject => ({ id });
const auth = (more: object = {}): Imports[number] => AuthModule.forRoot({ issuers: ownTokens(), publicUrl, ...more });
const sessions = (more: object = {}): Imports[number] => SessionsModule.forRoot({ findSubject, ...more });
const stores = (): Imports[number] => memoryStores();
const secret = 'a-secret-of-at-least-thirty-two-bytes';

const start = (platform: Platform, imports: Imports, more: Partial<AppParts> = {}): Promise<RunningApp> =>
  startApp(platform, { imports, controllers: [SessionTestController], ...more });

/** What the app says when it does not start. */
async function mistakeOf(platform: Platform, makeImports: () => Imports): Promise<string> {
  try {
    await startApp(platform, { imports: makeImports() });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('The app started');
}

const mistakes: readonly (readonly [string, () => Imports, RegExp])[] = [
  [
    'fromSessionCookie() without SessionsModule',
    () => [
      auth({ issuers: jwtIssuer({ issuer: 'i', audience: 'a', secret }), tokenFrom: [fromSessionCookie()] }),
      stores(),
    ],
    /fromSessionCookie\(\).*there is no SessionsModule/s,
  ],
  [
    'ownTokens() twice',
    () => [auth({ issuers: [ownTokens(), ownTokens({ allowAnonymous: true })] }), sessions(), stores()],
    /https:\/\/api\.example\.com is described twice/,
  ],
  [
    'ownTokens() and the same issuer by hand',
    () => [
      auth({ issuers: [ownTokens(), jwtIssuer({ issuer: publicUrl, audience: 'a', secret })] }),
      sessions(),
      stores(),
    ],
    /https:\/\/api\.example\.com is described twice/,
  ],
  ['an unknown option', () => [auth(), sessions({ lifetime: 7 }), stores()], /\(\{ lifetime \}\).*no option/s],
  ['a typing error', () => [auth(), sessions({ cookie: {} }), stores()], /\(\{ cookie \}\).*Did you mean cookies/s],
  [
    'sameSite none without trusted pages',
    () => [auth(), sessions({ cookies: { sameSite: 'none' } }), stores()],
    /sameSite.*trustedOrigins/s,
  ],
  ['a foreign domain', () => [auth(), sessions({ cookies: { domain: 'a.example' } }), stores()], /domain.*publicUrl/s],
  [
    'a route that another module has',
    () => [auth(), sessions(), stores(), contributingModule('OtherModule.forRoot', {}, ['POST /auth/refresh'])],
    /POST \/auth\/refresh.*(?:SessionsModule\.forRoot|OtherModule\.forRoot)/s,
  ],
  [
    'wrong options of AuthModule from a factory',
    () => [
      AuthModule.forRootAsync({ useFactory: () => ({ issuers: ownTokens(), publicUrl: 'nonsense' }) }),
      sessions(),
      stores(),
    ],
    /AuthModule\.forRootAsync.*publicUrl/s,
  ],
  [
    'wrong options of AuthModule from a factory, after SessionsModule',
    () => [
      sessions(),
      stores(),
      AuthModule.forRootAsync({ useFactory: async () => ({ issuers: ownTokens(), publicUrl: 'nonsense' }) }),
    ],
    /AuthModule\.forRootAsync.*publicUrl/s,
  ],
  [
    'no way to make options',
    () => [auth(), SessionsModule.forRootAsync({}), stores()],
    /exactly one of useFactory, useClass, useExisting/,
  ],
  [
    'a wrong option from a factory',
    () => [auth(), SessionsModule.forRootAsync({ useFactory: () => ({ findSubject, delivery: [] }) }), stores()],
    /SessionsModule\.forRootAsync.*delivery/s,
  ],
  [
    'a finder that depends on the request',
    () => [auth(), sessions({ findSubject: RequestFinder }), requestFinderModule(), stores()],
    /findSubject.*depends on the request/s,
  ],
];

@Injectable({ scope: Scope.REQUEST })
class RequestFinder implements SubjectFinder {
  findSubject(id: string): SessionSubject {
    return { id };
  }
}

function requestFinderModule(): Imports[number] {
  @Module({ providers: [RequestFinder], exports: [RequestFinder] })
  class RequestFinderModule {}
  return RequestFinderModule;
}

/** Users as an app has them in a service. */
@Injectable()
class Directory {
  readonly names = new Map([['alice', 'Alice of the directory']]);
}

@Injectable()
class DirectoryFinder implements SubjectFinder {
  static made = 0;

  constructor(@Inject(Directory) private readonly directory: Directory) {
    DirectoryFinder.made += 1;
  }

  findSubject(id: string): SessionSubject | null {
    const name = this.directory.names.get(id);
    return name === undefined ? null : { id, name };
  }
}

@Module({ providers: [Directory, DirectoryFinder], exports: [Directory, DirectoryFinder] })
class DirectoryModule {}

@Module({ providers: [Directory], exports: [Directory] })
class OnlyDirectoryModule {}

/** A class without dependencies, which no module provides. */
class LonelyFinder implements SubjectFinder {
  findSubject(id: string): SessionSubject {
    return { id, name: 'Alice of the class' };
  }
}

const nameOf = async (app: RunningApp, path = '/auth/me'): Promise<unknown> => {
  const client = new SessionClient(app);
  expect((await client.signIn('alice')).status).toBe(201);
  return ((await client.call(path)).json as { user: { name: string | null } }).user.name;
};

describe.each(platforms)('SessionsModule on $name', (platform) => {
  it.each(mistakes)('with %s does not start', async (_, makeImports, message) => {
    expect(await mistakeOf(platform, makeImports)).toMatch(message);
  });

  it('names both modules that have a route', async () => {
    const other = contributingModule('OtherModule.forRoot', {}, ['get /auth/ME/']);
    const message = await mistakeOf(platform, () => [auth(), sessions(), stores(), other]);
    expect(message).toContain('OtherModule.forRoot');
    expect(message).toContain('SessionsModule.forRoot');
    const free = await start(platform, [auth(), sessions({ path: 'session' }), stores(), other]);
    expect(await nameOf(free, '/session/me')).toBeNull();
  });

  it('may be imported in any order, and in any module', async () => {
    @Module({ imports: [sessions()] })
    class FeatureModule {}
    for (const imports of [
      [auth(), sessions(), stores()],
      [stores(), sessions(), auth()],
      [sessions(), stores(), auth()],
      [FeatureModule, auth(), stores()],
      [stores(), auth(), FeatureModule],
    ]) {
      expect(await nameOf(await start(platform, imports))).toBeNull();
    }
  });

  it('injects services of the app into the factory', async () => {
    const app = await start(platform, [
      auth(),
      SessionsModule.forRootAsync({
        imports: [DirectoryModule],
        inject: [Directory],
        useFactory: ({ names }: Directory) => ({ findSubject: (id) => ({ id, name: names.get(id) ?? null }) }),
      }),
      stores(),
    ]);
    expect(await nameOf(app)).toBe('Alice of the directory');
  });

  it('looks users up by an object, by a provider of the app, and by a class that Nest creates', async () => {
    const object = await start(platform, [auth(), sessions({ findSubject: new LonelyFinder() }), stores()]);
    expect(await nameOf(object)).toBe('Alice of the class');
    const lonely = await start(platform, [auth(), sessions({ findSubject: LonelyFinder }), stores()]);
    expect(await nameOf(lonely)).toBe('Alice of the class');
    DirectoryFinder.made = 0;
    const provided = await start(platform, [
      auth(),
      sessions({ findSubject: DirectoryFinder }),
      DirectoryModule,
      stores(),
    ]);
    expect(await nameOf(provided)).toBe('Alice of the directory');
    expect(DirectoryFinder.made).toBe(1);
    const created = await start(platform, [
      auth(),
      SessionsModule.forRootAsync({
        imports: [OnlyDirectoryModule],
        useFactory: () => ({ findSubject: DirectoryFinder }),
      }),
      stores(),
    ]);
    expect(await nameOf(created)).toBe('Alice of the directory');
  });
});
