/** Every way to register the module once, and feature modules that import nothing. */
import { Controller, Get, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthOptionsFactory,
  type AuthUser,
  CurrentUser,
  OptionalAuth,
  oidc,
  TokenVerifier,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { missingToken, verdictOf } from '../support/verdicts.js';

@Controller('cats')
class CatsController {
  constructor(@Inject(TokenVerifier) private readonly verifier: TokenVerifier) {}

  @UseGuards(AuthGuard)
  @Get('mine')
  mine(@CurrentUser('id') id: string): object {
    return { id };
  }

  @OptionalAuth()
  @Get('all')
  all(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }

  @Get('unguarded')
  unguarded(): object {
    return { verifies: this.verifier instanceof TokenVerifier };
  }
}

/** A feature that needs the guard and a service, and imports nothing for it. */
@Module({ controllers: [CatsController] })
class CatsModule {}

let issuer: TestIssuer;

@Injectable()
class Settings {
  readonly audience = 'api';
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class OptionsFromSettings implements AuthOptionsFactory {
  constructor(@Inject(Settings) private readonly settings: Settings) {}

  async createAuthOptions(): Promise<AuthModuleOptions> {
    return { issuers: oidc({ issuer: issuer.url, audience: this.settings.audience }) };
  }
}

@Module({ imports: [SettingsModule], providers: [OptionsFromSettings], exports: [OptionsFromSettings] })
class AuthOptionsModule {}

const optionsOf = ({ audience }: Settings): AuthModuleOptions => ({ issuers: oidc({ issuer: issuer.url, audience }) });

const ways = {
  forRoot: (guardEverything: boolean) => AuthModule.forRoot({ ...optionsOf(new Settings()), guardEverything }),
  useFactory: (guardEverything: boolean) =>
    AuthModule.forRootAsync({ imports: [SettingsModule], inject: [Settings], useFactory: optionsOf, guardEverything }),
  'useFactory, async': (guardEverything: boolean) =>
    AuthModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings, { token: 'NOT_THERE', optional: true }],
      useFactory: async (settings: Settings, absent?: object) => {
        if (absent !== undefined) throw new Error('an optional dependency came from nowhere');
        return optionsOf(settings);
      },
      guardEverything,
    }),
  'useFactory without inject': (guardEverything: boolean) =>
    AuthModule.forRootAsync({ useFactory: () => optionsOf(new Settings()), guardEverything }),
  useClass: (guardEverything: boolean) =>
    AuthModule.forRootAsync({ imports: [SettingsModule], useClass: OptionsFromSettings, guardEverything }),
  useExisting: (guardEverything: boolean) =>
    AuthModule.forRootAsync({ imports: [AuthOptionsModule], useExisting: OptionsFromSettings, guardEverything }),
};

describe.each(platforms)('AuthModule on $name', (platform) => {
  beforeAll(async () => {
    issuer = await startIssuer();
  });

  const callMine = async (app: RunningApp): Promise<unknown> =>
    (await app.call('/cats/mine', { token: await issuer.token({ aud: 'api', sub: 'alice' }) })).json;

  it.each(Object.entries(ways))('guards routes of a module that imports nothing: %s', async (_way, register) => {
    const app = await startApp(platform, { imports: [CatsModule, register(false)] });
    expect(await callMine(app)).toEqual({ id: 'alice' });
    expect(verdictOf(await app.call('/cats/mine'))).toEqual(missingToken);
    expect((await app.call('/cats/all')).json).toEqual({ id: null });
    expect((await app.call('/cats/unguarded')).json).toEqual({ verifies: true });
  });

  it.each(Object.entries(ways))('guards every route with guardEverything: %s', async (_way, register) => {
    const app = await startApp(platform, { imports: [CatsModule, register(true)] });
    expect(await callMine(app)).toEqual({ id: 'alice' });
    expect(verdictOf(await app.call('/cats/unguarded'))).toEqual(missingToken);
    expect((await app.call('/cats/all')).json).toEqual({ id: null });
  });

  it('makes no calls at start', async () => {
    const quiet = await startIssuer();
    await startApp(platform, {
      imports: [CatsModule, AuthModule.forRoot({ issuers: oidc({ issuer: quiet.url, audience: 'api' }) })],
    });
    expect(quiet.requests.total).toBe(0);
  });

  it('serves only modules that import it when it is not global', async () => {
    const auth = AuthModule.forRoot({ ...optionsOf(new Settings()), isGlobal: false });
    @Module({ imports: [auth], controllers: [CatsController] })
    class GuardedModule {}
    const app = await startApp(platform, { imports: [GuardedModule] });
    expect(await callMine(app)).toEqual({ id: 'alice' });
    await expect(startApp(platform, { imports: [auth, CatsModule] })).rejects.toThrow(/TokenVerifier|AuthModule/);
  });

  it('is not affected by later changes of the options object', async () => {
    const options = { ...optionsOf(new Settings()), optionalAuth: { onInvalid: 'reject' as 'reject' | 'anonymous' } };
    const app = await startApp(platform, { imports: [CatsModule, AuthModule.forRoot(options)] });
    options.optionalAuth.onInvalid = 'anonymous';
    expect((await app.call('/cats/all', { token: 'no.good.token' })).status).toBe(401);
  });
});
