/** Request-scoped providers together with the guard: they have the user after it, and the guard itself stays a singleton. */
import { Controller, Get, Inject, Injectable, Module, Scope, UseGuards } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, ConfigurationError, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, startApp, startIssuer } from '../support/app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

interface UserRequest {
  readonly user?: AuthUser;
}

@Injectable({ scope: Scope.REQUEST })
class Diary {
  constructor(@Inject(REQUEST) private readonly request: UserRequest) {}

  /** The guard runs after this was made, so the user is read when it is asked for. */
  async owner(): Promise<string | undefined> {
    return this.request.user?.id;
  }
}

@Controller({ path: 'diary', scope: Scope.REQUEST })
class DiaryController {
  constructor(
    @Inject(Diary) private readonly diary: Diary,
    @Inject(REQUEST) private readonly request: UserRequest,
  ) {}

  @UseGuards(AuthGuard)
  @Get()
  async read(@CurrentUser('id') id: string): Promise<object> {
    return { id, ofProvider: await this.diary.owner(), ofController: this.request.user?.id };
  }
}

@Injectable({ scope: Scope.REQUEST })
class Accounts {
  private static made = 0;
  private readonly number = (Accounts.made += 1);

  describe({ id }: AuthUser): object {
    return { id, madeForThisRequest: this.number };
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class AudienceName {
  readonly audience = 'api';
}

@Module({ providers: [Accounts, AudienceName], exports: [Accounts, AudienceName] })
class AccountsModule {}

@Controller('account')
class AccountController {
  @UseGuards(AuthGuard)
  @Get()
  read(@CurrentUser() account: object): object {
    return account;
  }
}

@Controller({ path: 'account', scope: Scope.REQUEST })
class ScopedAccountController {
  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

  @UseGuards(AuthGuard)
  @Get()
  read(@CurrentUser() account: AuthUser): object {
    return { ofToUser: account, ofHandler: this.accounts.describe(account) };
  }
}

describe.each(platforms)('request scope on $name', (platform) => {
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startIssuer();
  });

  it.each([false, true])('has the user after the guard (guardEverything: %s)', async (guardEverything) => {
    const quiet = await startIssuer();
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: quiet.url, audience: 'api' }), guardEverything })],
      controllers: [DiaryController],
      providers: [Diary],
    });
    expect(verdictOf(await app.call('/diary'))).toEqual(missingToken);
    const names = Array.from({ length: 20 }, (_, at) => `user-${at}`);
    const answers = await Promise.all(
      names.map(async (sub) => app.call('/diary', { token: await quiet.token({ aud: 'api', sub }) })),
    );
    expect(answers.map(({ json }) => json)).toEqual(names.map((id) => ({ id, ofProvider: id, ofController: id })));
    // A request-scoped guard would have fetched the keys for each request.
    expect(quiet.requests).toMatchObject({ discovery: 1, jwks: 1 });
  });

  it.each([false, true])(
    'stops an app whose options would be created for every request (guardEverything: %s)',
    async (guardEverything) => {
      const starting = startApp(platform, {
        imports: [
          AuthModule.forRootAsync({
            imports: [AccountsModule],
            inject: [Accounts],
            useFactory: (accounts: Accounts) => ({
              issuers: oidc({ issuer: issuer.url, audience: 'api' }),
              toUser: (user) => accounts.describe(user),
            }),
            guardEverything,
          }),
        ],
        controllers: [AccountController],
      });
      const error: unknown = await starting.then(
        () => 'it started',
        (reason: unknown) => reason,
      );
      if (guardEverything) {
        // Nest notices by itself, and earlier, that a guard for everything would never run.
        expect(String(error)).toMatch(/AuthGuard.* depends on a request-scoped provider/);
      } else {
        expect(error).toBeInstanceOf(ConfigurationError);
        expect((error as ConfigurationError).message).toBe(
          'AuthModule.forRootAsync({ inject }): the options depend on a request-scoped provider, and they are made ' +
            'once, when the app starts. Inject ModuleRef instead, and let toUser(user, request) resolve the provider for ' +
            'the request.',
        );
      }
      expect(issuer.requests.total).toBe(0);
    },
  );

  it('stops it although another module of the app is configured correctly', async () => {
    const issuers = oidc({ issuer: issuer.url, audience: 'api' });
    const scoped = AuthModule.forRootAsync({
      imports: [AccountsModule],
      inject: [Accounts],
      useFactory: () => ({ issuers }),
      isGlobal: false,
    });
    const starting = startApp(platform, { imports: [scoped, AuthModule.forRoot({ issuers, isGlobal: false })] });
    await expect(starting).rejects.toThrow('AuthModule.forRootAsync({ inject })');
  });

  it('is possible in toUser by resolving a request-scoped provider', async () => {
    const app = await startApp(platform, {
      imports: [
        AccountsModule,
        AuthModule.forRootAsync({
          imports: [AccountsModule],
          inject: [ModuleRef, AudienceName],
          useFactory: (moduleRef: ModuleRef, { audience }: AudienceName) => ({
            issuers: oidc({ issuer: issuer.url, audience }),
            toUser: async (user, request) => {
              const contextId = ContextIdFactory.getByRequest(request);
              return (await moduleRef.resolve(Accounts, contextId, { strict: false })).describe(user);
            },
          }),
        }),
      ],
      controllers: [ScopedAccountController],
    });
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    const [first, second] = [await app.call('/account', { token }), await app.call('/account', { token })];
    const { ofHandler } = first.json as { ofHandler: object };
    // The very provider that the handler has, and another one for the next request.
    expect(first.json).toEqual({ ofToUser: ofHandler, ofHandler });
    expect(second.json).not.toEqual(first.json);
  });
});
