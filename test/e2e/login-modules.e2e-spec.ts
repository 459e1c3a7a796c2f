/** How LoginModule takes its options from providers of the app, and what it gives to modules that import nothing. */
import { Controller, Get, Inject, Injectable, Module, Query } from '@nestjs/common';
import { ConfigurationError, Public } from 'nest-gatehouse';
import {
  LoginModule,
  type LoginModuleAsyncOptions,
  type LoginModuleOptions,
  type LoginOptionsFactory,
  LoginService,
} from 'nest-gatehouse/login';
import { describe, expect, it } from 'vitest';
import { codeOf, startAccountApp } from '../support/account-app.js';
import { type Platform, platforms } from '../support/app.js';
import { callbackUrl, corp, goToProvider, locationOf, page, pathOf, signInByLink } from '../support/login-app.js';
import { LoginProviderStand } from '../support/login-provider.js';
import { claimsOf, publicUrl } from '../support/session-app.js';

type MadeOptions = Omit<LoginModuleOptions, 'path'>;

/** A class that makes the options from what another provider knows, and the module of both. */
function settingsFor(made: MadeOptions) {
  let created = 0;

  @Injectable()
  class Secrets {
    readonly options = made;
  }
  @Injectable()
  class Settings implements LoginOptionsFactory {
    constructor(@Inject(Secrets) private readonly secrets: Secrets) {
      created += 1;
    }

    async createLoginOptions(): Promise<MadeOptions> {
      return Promise.resolve(this.secrets.options);
    }
  }
  @Module({ providers: [Secrets, Settings], exports: [Secrets, Settings] })
  class SettingsModule {}
  return { Secrets, Settings, SettingsModule, count: () => created };
}

type Settings = ReturnType<typeof settingsFor>;

/** How often the class is created, beside its being a provider of its module. */
const ways: readonly (readonly [name: string, way: (given: Settings) => LoginModuleAsyncOptions, created: number])[] = [
  ['useClass', ({ Settings }) => ({ useClass: Settings }), 2],
  ['useExisting', ({ Settings }) => ({ useExisting: Settings }), 1],
  [
    'useFactory',
    ({ Settings }) => ({
      inject: [Settings],
      useFactory: (settings: LoginOptionsFactory) => settings.createLoginOptions(),
    }),
    1,
  ],
];

@Public()
@Controller('providers')
class ProvidersController {
  constructor(@Inject(LoginService) private readonly logins: LoginService) {}

  @Get()
  list(): object {
    return this.logins.providers();
  }

  @Get('token')
  async token(@Query('userId') userId: string): Promise<object> {
    return { token: await this.logins.accessTokenOf(userId, 'corp') };
  }
}
/** It imports nothing. */
@Module({ controllers: [ProvidersController] })
class FeatureModule {}

async function start(
  platform: Platform,
  way: (given: Settings) => LoginModuleAsyncOptions,
  { path, ...options }: Partial<LoginModuleOptions> = {},
) {
  const provider = await LoginProviderStand.start();
  const settings = settingsFor({ providers: [corp(provider)], returnTo: page, ...options });
  const login = LoginModule.forRootAsync({
    imports: [settings.SettingsModule],
    ...way(settings),
    ...(path !== undefined && { path }),
  });
  const app = await startAccountApp(platform, {}, { clock: provider.clock, imports: [FeatureModule, login] });
  return { ...app, provider, settings };
}

describe.each(platforms)('LoginModule.forRootAsync on $name', (platform) => {
  it.each(ways)('takes its options by %s, with the path beside it', async (_, way, created) => {
    const { client, provider, settings } = await start(platform, way, { path: '/session/', keepTokens: true });
    expect(settings.count()).toBe(created);
    const browser = client();
    const back = await goToProvider(browser, provider, '/session/login/corp');
    expect(`${back.origin}${back.pathname}`).toBe(`${publicUrl}/session/callback/corp`);
    expect(locationOf(await browser.call(pathOf(back)))).toBe(`${page}/?new=1`);
    expect((await client().call('/auth/login/corp')).status).toBe(404);
    const userId = String(claimsOf(browser.accessToken)['sub']);
    const { token } = (await browser.call(`/providers/token?userId=${userId}`)).json as { token: string };
    expect(provider.tokens).toContain(token);
  });

  it.each(ways)('refuses wrong options by %s when the app starts', async (_, way) => {
    const wrong = { keepToken: true } as Partial<LoginModuleOptions>;
    const error: unknown = await start(platform, way, wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).path).toBe('LoginModule.forRootAsync({ keepToken })');
  });

  it('refuses a path among the options that a class makes, where Nest has read it already', async () => {
    const provider = await LoginProviderStand.start();
    const options = { providers: [corp(provider)], returnTo: page, path: 'session' };
    const { SettingsModule, Settings } = settingsFor(options);
    const imports = [LoginModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings })];
    const error: unknown = await startAccountApp(platform, {}, { imports }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain('path');
  });

  it('gives LoginService to a module that imports nothing', async () => {
    const { app, client, provider } = await start(platform, ({ Settings }) => ({ useExisting: Settings }));
    expect((await app.call('/providers')).json).toEqual([{ id: 'corp', callbackUrl }]);
    expect(locationOf(await signInByLink(client(), provider))).toBe(`${page}/?new=1`);
  });
});

describe.each(platforms)('LoginModule.forRoot on $name', (platform) => {
  it.each(['before', 'after'])(
    'gives LoginService to a module that imports nothing, and stands %s it',
    async (where) => {
      const provider = await LoginProviderStand.start();
      const login = LoginModule.forRoot({ providers: [corp(provider)], returnTo: page });
      const imports = where === 'before' ? [FeatureModule, login] : [login, FeatureModule];
      const { app } = await startAccountApp(platform, {}, { clock: provider.clock, imports });
      expect((await app.call('/providers')).json).toEqual([{ id: 'corp', callbackUrl }]);
      const refused = await app.call('/providers/token?userId=nobody');
      // A mistake of the app: it has not asked for tokens to be kept.
      expect([refused.status, codeOf(refused.json)]).toEqual([500, 'CONFIGURATION_ERROR']);
    },
  );
});
