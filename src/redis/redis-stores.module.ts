import { type DynamicModule, Inject, Module, type OnModuleInit, type Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { AppServices } from '../app-services.js';
import { DpopReplayStore } from '../dpop/dpop-replay-store.js';
import { checkOnlyProviders } from '../find-app-provider.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import { checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { RevocationStore } from '../revocation/revocation-store.js';
import { RedisAttemptStore } from './redis-attempt-store.js';
import { RedisDpopReplayStore } from './redis-dpop-replay-store.js';
import { RedisRevocationStore } from './redis-revocation-store.js';
import { RedisDoctorCheck } from './redis-doctor-check.js';
import { RedisScripts } from './redis-scripts.js';
import {
  readProvidedStores,
  type RedisStoresAsyncOptions,
  type RedisStoresExtras,
  type RedisStoresOptions,
  type RedisStoreToken,
  type ResolvedRedisStoresOptions,
  resolveRedisStoresOptions,
} from './redis-stores-options.js';

/** The token under which the options are injected, once they have been read. */
const REDIS_STORES_OPTIONS = Symbol('nest-gatehouse.redis-stores-options');
/** The token of the stores that this registration provides. */
const PROVIDED_STORES = Symbol('nest-gatehouse.provided-redis-stores');

/**
 * Shares revocations, used DPoP proofs and counts of failures among all instances of an app, in Redis. Import it once, beside
 * `AuthModule`; it is global, and provides `RevocationStore`, `DpopReplayStore` and `AttemptStore`. Beside `SqlStoresModule`,
 * which provides two of them as well, one of the two modules leaves them out by `except`.
 *
 * While Redis is down, DPoP proofs and what is counted are answered with 503. Access tokens are verified by the revocations that
 * were last read, for `serveStaleForSeconds`. An app starts without its Redis.
 */
@Module({})
export class RedisStoresModule implements OnModuleInit {
  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown: which one, and what to write instead.
   */
  static forRoot({ except, ...options }: RedisStoresOptions & RedisStoresExtras): DynamicModule {
    const where = 'RedisStoresModule.forRoot';
    const resolved = resolveRedisStoresOptions(where, options);
    return assemble(readProvidedStores(where, except), [{ provide: REDIS_STORES_OPTIONS, useValue: resolved }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers. `except` is a member of the same object,
   * because it must be known before the factory runs.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync({ except, ...options }: RedisStoresAsyncOptions): DynamicModule {
    const where = 'RedisStoresModule.forRootAsync';
    const { imports, providers } = provideAsyncOptions(where, options, {
      token: REDIS_STORES_OPTIONS,
      create: (factory) => factory.createRedisStoresOptions(),
      resolve: resolveRedisStoresOptions,
    });
    return { ...assemble(readProvidedStores(where, except), providers), imports };
  }

  /** Called by Nest. @throws {ConfigurationError} for what a developer has to change: a second provider of a store. */
  onModuleInit(): void {
    const fix = 'Make the options from providers that live as long as the app';
    checkOptionsAreMade('RedisStoresModule.forRootAsync', this.moduleRef, REDIS_STORES_OPTIONS, fix);
    const modules = this.moduleRef.get(ModulesContainer, { strict: false });
    const provided = this.moduleRef.get<readonly RedisStoreToken[]>(PROVIDED_STORES);
    checkOnlyProviders('RedisStoresModule.forRoot', provided, this.moduleRef, modules);
    this.moduleRef.get(AppServices).connect(this.moduleRef);
  }
}

function assemble(provided: readonly RedisStoreToken[], options: readonly Provider[]): DynamicModule {
  return {
    module: RedisStoresModule,
    global: true,
    providers: [
      ...options,
      { provide: PROVIDED_STORES, useValue: provided },
      { provide: AppServices, useFactory: () => new AppServices() },
      {
        provide: RedisScripts,
        inject: [REDIS_STORES_OPTIONS, AppServices],
        useFactory: (resolved: ResolvedRedisStoresOptions, services: AppServices) =>
          new RedisScripts({ ...resolved, clock: services, report: services.report }),
      },
      {
        provide: RedisDoctorCheck,
        inject: [RedisScripts],
        useFactory: (scripts: RedisScripts) => new RedisDoctorCheck(scripts),
      },
      ...storeProviders.filter(({ provide }) => provided.includes(provide)),
    ],
    exports: [...provided],
  };
}

const inject = [RedisScripts, AppServices];
const storeProviders = [
  {
    provide: RevocationStore,
    inject,
    useFactory: (scripts: RedisScripts, clock: AppServices) => new RedisRevocationStore(scripts, clock),
  },
  { provide: DpopReplayStore, inject, useFactory: (scripts: RedisScripts) => new RedisDpopReplayStore(scripts) },
  {
    provide: AttemptStore,
    inject,
    useFactory: (scripts: RedisScripts, clock: AppServices) => new RedisAttemptStore(scripts, clock),
  },
];
