import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { RevokedKeys } from '../authentication/ended-keys.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { getAppProvider } from '../find-app-provider.js';
import { OwnApiKeys, OwnTokens } from '../issuers/module-issuer.js';
import { IssuingModule } from '../issuing/issuing.module.js';
import { Revocation } from '../open-revocation.js';
import { type AsyncModuleOptions, checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import {
  type ApiKeyOptionsFactory,
  type ApiKeysModuleOptions,
  type ApiKeyTerms,
  readApiKeyTerms,
} from './api-key-options.js';
import { ApiKeyStore } from './api-key-store.js';
import { ApiKeySubjects } from './api-key-subjects.service.js';
import { ApiKeyUsage } from './api-key-usage.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { ApiKeyService } from './api-key.service.js';
import {
  API_KEY_TERMS,
  apiKeysModuleProviders,
  GIVEN_API_KEY_OPTIONS,
  OAuthEndpoints,
} from './api-keys-module-providers.js';
import type { ModuleApiKeys } from './module-api-keys.js';

/** The options of `ApiKeysModule.forRootAsync`. */
export type ApiKeysModuleAsyncOptions = AsyncModuleOptions<ApiKeysModuleOptions, ApiKeyOptionsFactory>;

/**
 * API keys of the app's users, for machines. Import it once, beside `AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()] })` and a
 * module with stores, such as `SqlStoresModule`. It is global: it provides `ApiKeyService` to every module, and with
 * `tokenEndpoint: true` the routes `/oauth/token`, `/oauth/revoke` and `/oauth/introspect`.
 */
@Module({})
export class ApiKeysModule implements NestModule, OnModuleInit, BeforeApplicationShutdown {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown.
   */
  static forRoot(options: ApiKeysModuleOptions): DynamicModule {
    const where = 'ApiKeysModule.forRoot';
    // Read again when the app starts. A mistake is reported here, where the stack trace leads to the app's own line.
    readApiKeyTerms(where, options);
    return assemble([{ provide: GIVEN_API_KEY_OPTIONS, useValue: { where, options } }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: ApiKeysModuleAsyncOptions): DynamicModule {
    const { imports, providers } = provideAsyncOptions('ApiKeysModule.forRootAsync', options, {
      token: GIVEN_API_KEY_OPTIONS,
      create: (factory) => factory.createApiKeyOptions(),
      resolve: (where, made) => ({ where, options: made }),
    });
    const assembled = assemble(providers);
    return { ...assembled, imports: [...imports, IssuingModule] };
  }

  /** Called by Nest before the controllers. @throws {ConfigurationError} when another module has one of the routes. */
  configure(): void {
    this.moduleRef.get(OAuthEndpoints, { strict: true }).add();
  }

  /** Called by Nest. @throws {ConfigurationError} for what does not go with the modules of the app. */
  async onModuleInit(): Promise<void> {
    const fix = 'Inject ModuleRef instead, and resolve the provider where it is needed';
    checkOptionsAreMade('ApiKeysModule.forRootAsync', this.moduleRef, GIVEN_API_KEY_OPTIONS, fix);
    this.checkIsOnly();
    this.checkIsTrusted();
    const { where } = this.moduleRef.get<ApiKeyTerms>(API_KEY_TERMS, { strict: true });
    getAppProvider(this.modules, ApiKeyStore, where);
    await this.moduleRef.get(ApiKeySubjects, { strict: true }).open();
    this.watchRevocations();
  }

  /** Called by Nest when the app stops, while the stores are still open. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.moduleRef.get(ApiKeyUsage, { strict: true }).stop();
  }

  /** Keys that were revoked in another process end here with their tokens. */
  private watchRevocations(): void {
    const { check } = this.moduleRef.get(Revocation, { strict: false });
    const tokens = findOwnTokens(this.moduleRef);
    if (check === null || tokens === null) return;
    this.moduleRef.get(ApiKeyVerifier, { strict: true }).watchEnded(new RevokedKeys(check, tokens.issuer));
  }

  private checkIsOnly(): void {
    const count = [...this.modules.values()].filter(({ metatype }) => metatype === ApiKeysModule).length;
    if (count === 1) return;
    throw new ConfigurationError(
      'ApiKeysModule.forRoot',
      `the module is registered ${count} times, and apiKeys() stands for one`,
      'Call forRoot or forRootAsync once, in the root module',
    );
  }

  private checkIsTrusted(): void {
    if (this.moduleRef.get<ModuleApiKeys>(OwnApiKeys, { strict: true }).isTrusted) return;
    throw new ConfigurationError(
      'AuthModule.forRoot({ issuers })',
      "ApiKeysModule issues API keys, and AuthModule does not accept the app's own keys",
      'Add apiKeys() of nest-gatehouse/api-keys to the issuers',
    );
  }
}

function findOwnTokens(moduleRef: ModuleRef): OwnTokens | null {
  try {
    return moduleRef.get<OwnTokens>(OwnTokens, { strict: false });
  } catch {
    return null;
  }
}

function assemble(options: readonly Provider[]): DynamicModule {
  return {
    module: ApiKeysModule,
    global: true,
    imports: [IssuingModule],
    providers: [...options, ...apiKeysModuleProviders],
    exports: [ApiKeyService, OwnApiKeys],
  };
}
