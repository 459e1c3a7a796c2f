import {
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { IssuingModule } from '../issuing/issuing.module.js';
import { controllerAt, namesOfRoutes, setStatus } from '../issuing/own-routes.controller.js';
import { RouteClaims } from '../issuing/route-claims.js';
import { type AsyncModuleOptions, checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { LoginAccounts } from '../login/login-accounts.js';
import { AccountSubjects } from '../sessions/account-subjects.js';
import { readRoutePath } from '../sessions/session-options.js';
import {
  type AccountOptionsFactory,
  accountOptionNames,
  type AccountsModuleOptions,
  type AccountTerms,
  readAccountTerms,
} from './account-options.js';
import { accountRoutes } from './account-routes.js';
import { AccountService } from './account.service.js';
import { checkMail } from './account-parts.js';
import { AccountStores } from './account-stores.js';
import { AccountsAppObjects } from './accounts-app-objects.js';
import { ACCOUNT_TERMS, accountsModuleProviders } from './accounts-module-providers.js';
import { GroupService } from './group.service.js';
import { Outbox } from './outbox.js';
import type { SignInRequests } from './sign-in-requests.js';
import { SecondFactors } from './second-factors.js';

const ROUTES = Symbol('nest-gatehouse.account-routes');

/** Where the routes are, and the controllers that answer them. */
interface Routes {
  readonly path: string | false;
  readonly controllers: readonly Type[];
}

/** The options of `AccountsModule.forRootAsync`. `path` stands beside the factory, because Nest reads it before that. */
export interface AccountsModuleAsyncOptions
  extends AsyncModuleOptions<Omit<AccountsModuleOptions, 'path'>, AccountOptionsFactory>,
    Pick<AccountsModuleOptions, 'path'> {}

/**
 * Keeps the accounts of the app's users: people, guests, groups and what the app knows of them. Import it once, beside
 * `SessionsModule` and a module with stores, such as `SqlStoresModule`. It is global: it provides `AccountService` and `GroupService`
 * to every module, and the routes by which people sign up and in.
 */
@Module({})
export class AccountsModule implements NestModule, OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(RouteClaims) private readonly claims: RouteClaims,
    @Inject(ROUTES) private readonly routes: Routes,
  ) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown.
   */
  static forRoot(options: AccountsModuleOptions = {}): DynamicModule {
    const where = 'AccountsModule.forRoot';
    const { path, ...rest } = options;
    readOptions(where, options, [...accountOptionNames, 'path']);
    return assemble(where, path, [{ provide: ACCOUNT_TERMS, useValue: readAccountTerms(where, rest) }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync(options: AccountsModuleAsyncOptions): DynamicModule {
    const where = 'AccountsModule.forRootAsync';
    const { path, ...rest } = options;
    const { imports, providers } = provideAsyncOptions(where, rest, {
      token: ACCOUNT_TERMS,
      create: (factory) => factory.createAccountOptions(),
      resolve: readAccountTerms,
      extras: ['path'],
    });
    const assembled = assemble(where, path, providers);
    return { ...assembled, imports: [...imports, IssuingModule] };
  }

  /** Called by Nest before the controllers. @throws {ConfigurationError} when another module has one of the routes. */
  configure(): void {
    const { path, controllers } = this.routes;
    if (path === false) return;
    this.claims.claim('AccountsModule.forRoot', namesOfRoutes(path, accountRoutes));
    const terms = this.moduleRef.get<AccountTerms>(ACCOUNT_TERMS, { strict: true });
    if (terms.signUp !== 'verify-first') return;
    for (const controller of controllers) setStatus(controller, 'signUp' satisfies keyof SignInRequests, 202);
  }

  /** Called by Nest. @throws {ConfigurationError} for what does not go with the modules of the app. */
  async onModuleInit(): Promise<void> {
    const fix = 'Inject ModuleRef instead, and resolve the provider where it is needed';
    checkOptionsAreMade('AccountsModule.forRootAsync', this.moduleRef, ACCOUNT_TERMS, fix);
    const count = [...this.modules.values()].filter(({ metatype }) => metatype === AccountsModule).length;
    if (count !== 1) {
      throw new ConfigurationError(
        'AccountsModule.forRoot',
        `the module is registered ${count} times`,
        'Call forRoot or forRootAsync once, in the root module',
      );
    }
    const terms = this.moduleRef.get<AccountTerms>(ACCOUNT_TERMS, { strict: true });
    checkMail(terms);
    if (terms.totp === true) await this.moduleRef.get(SecondFactors, { strict: true }).checkIsAvailable();
    this.moduleRef.get(AccountStores, { strict: true }).check(terms);
    await this.moduleRef.get(AccountsAppObjects, { strict: true }).open();
  }

  /** Called by Nest when the app shuts down: mails that are being sent are finished. */
  async onApplicationShutdown(): Promise<void> {
    await this.moduleRef.get(Outbox, { strict: true }).drain();
    await this.moduleRef.get(AccountsAppObjects, { strict: true }).close();
  }
}

function assemble(where: string, path: unknown, options: readonly Provider[]): DynamicModule {
  const routes = readRoutePath(where, path);
  const controllers = routes === false ? [] : accountRoutes.map((group) => controllerAt(routes, group));
  return {
    module: AccountsModule,
    global: true,
    imports: [IssuingModule],
    controllers,
    providers: [
      ...options,
      { provide: ROUTES, useValue: { path: routes, controllers } satisfies Routes },
      ...accountsModuleProviders,
    ],
    exports: [AccountService, GroupService, AccountSubjects, LoginAccounts],
  };
}
