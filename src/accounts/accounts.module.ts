import { type DynamicModule, Inject, Module, type NestModule, type OnModuleInit, type Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { ApiKeyService } from '../api-keys/api-key.service.js';
import { AuthSettings } from '../auth-settings.js';
import { readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { findAppProvider, getAppProvider } from '../find-app-provider.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { IssuingModule } from '../issuing/issuing.module.js';
import { RouteClaims } from '../issuing/route-claims.js';
import { type AsyncModuleOptions, checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { AccountSubjects } from '../sessions/account-subjects.js';
import { SessionGate } from '../sessions/session-gate.js';
import { readRoutePath } from '../sessions/session-options.js';
import type { SessionSubject } from '../sessions/session-subject.js';
import { SessionService } from '../sessions/session.service.js';
import { EventLog } from '../telemetry/event-log.service.js';
import { describeThrown } from '../telemetry/log-text.js';
import { toSubject } from './account.js';
import type { AccountEvent } from './account.js';
import {
  type AccountOptionsFactory,
  accountOptionNames,
  type AccountsModuleOptions,
  type AccountTerms,
  readAccountTerms,
} from './account-options.js';
import { AccountPasswords } from './account-passwords.js';
import { AccountRequests } from './account-requests.js';
import { AccountSignIns } from './account-sign-ins.js';
import { AccountStore } from './account-store.js';
import { AccountService } from './account.service.js';
import { accountRoutes, accountsControllerAt } from './accounts.controller.js';
import { askStore } from './ask-store.js';
import { AttemptStore } from './attempt-store.js';
import { GroupStore } from './group-store.js';
import { GroupService } from './group.service.js';
import { GuessingLimits } from './guessing-limits.js';
import { OneTimeCodeStore } from './one-time-code-store.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordPolicy } from './password-policy.js';

const ACCOUNT_TERMS = Symbol('nest-gatehouse.account-terms');
const ROUTE_PATH = Symbol('nest-gatehouse.account-routes');

/** The options of `AccountsModule.forRootAsync`. `path` stands beside the factory, because Nest reads it before that. */
export interface AccountsModuleAsyncOptions
  extends AsyncModuleOptions<Omit<AccountsModuleOptions, 'path'>, AccountOptionsFactory>,
    Pick<AccountsModuleOptions, 'path'> {}

/** The stores of accounts, found among the modules of the app when they are first needed. */
class AccountStores {
  private limits: GuessingLimits | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly settings: AuthSettings,
  ) {}

  readonly findAccounts = (): AccountStore => this.get(AccountStore);
  readonly findGroups = (): GroupStore => this.get(GroupStore);
  readonly findLimits = (): GuessingLimits =>
    (this.limits ??= new GuessingLimits({
      store: this.get(AttemptStore),
      encryptionKeys: this.get(EncryptionKeys),
      clock: this.settings.clock,
    }));

  /** @throws {ConfigurationError} when a store is missing. */
  check(): void {
    this.findAccounts();
    this.findGroups();
    this.findLimits();
  }

  private get<Store>(port: (abstract new (...parameters: never[]) => Store) & { readonly name: string }): Store {
    return getAppProvider(this.modules, port, 'AccountsModule.forRoot');
  }
}

/** The users of sessions and API keys who have an account that is not disabled. */
class StoredAccountSubjects extends AccountSubjects {
  constructor(private readonly stores: AccountStores) {
    super();
  }

  override async findSubject(userId: string): Promise<SessionSubject | null> {
    const account = await askStore('of the accounts', () => this.stores.findAccounts().find(userId));
    return account === null || account.status === 'disabled' ? null : toSubject(account);
  }
}

/** What `AuthModule` and `SessionsModule` provide. */
class AccountsBasis {
  constructor(
    readonly settings: AuthSettings,
    readonly log: EventLog,
    readonly gate: SessionGate,
    readonly sessions: SessionService,
  ) {}
}

/**
 * Keeps the accounts of the app's users: people, guests, groups and what the app knows of them. Import it once, beside
 * `SessionsModule` and a module with stores, such as `SqlStoresModule`. It is global: it provides `AccountService` and `GroupService`
 * to every module, and the routes by which people sign up and in.
 */
@Module({})
export class AccountsModule implements NestModule, OnModuleInit {
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(RouteClaims) private readonly claims: RouteClaims,
    @Inject(ROUTE_PATH) private readonly path: string | false,
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
    if (this.path === false) return;
    this.claims.claim(
      'AccountsModule.forRoot',
      accountRoutes.map(([method, route]) => `${method} /${this.path}/${route}`),
    );
  }

  /** Called by Nest. @throws {ConfigurationError} for what does not go with the modules of the app. */
  onModuleInit(): void {
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
    this.moduleRef.get(AccountStores, { strict: true }).check();
  }
}

function assemble(where: string, path: unknown, options: readonly Provider[]): DynamicModule {
  const routes = readRoutePath(where, path);
  return {
    module: AccountsModule,
    global: true,
    imports: [IssuingModule],
    controllers: routes === false ? [] : [accountsControllerAt(routes)],
    providers: [...options, { provide: ROUTE_PATH, useValue: routes }, ...accountsModuleProviders],
    exports: [AccountService, GroupService, AccountSubjects],
  };
}

const accountsModuleProviders: readonly Provider[] = [
  {
    provide: AccountsBasis,
    inject: [AuthSettings, EventLog, SessionGate, SessionService].map((token) => ({ token, optional: true })),
    useFactory: (...parts: ConstructorParameters<typeof AccountsBasis>): AccountsBasis => {
      if (parts.every((part) => (part as unknown) !== undefined)) return new AccountsBasis(...parts);
      throw new ConfigurationError(
        'AccountsModule.forRoot',
        'it does not see AuthModule and SessionsModule',
        'Add AuthModule.forRoot({ issuers: ownTokens(), publicUrl }) and SessionsModule.forRoot() to the imports of the root module',
      );
    },
  },
  {
    provide: AccountStores,
    inject: [ModulesContainer, AccountsBasis],
    useFactory: (modules: ModulesContainer, { settings }: AccountsBasis) => new AccountStores(modules, settings),
  },
  {
    provide: AccountSubjects,
    inject: [AccountStores],
    useFactory: (stores: AccountStores) => new StoredAccountSubjects(stores),
  },
  {
    provide: AccountPasswords,
    inject: [ACCOUNT_TERMS, AccountStores],
    useFactory: ({ minPasswordLength }: AccountTerms, { findAccounts }: AccountStores) =>
      new AccountPasswords({
        findStore: findAccounts,
        hasher: new PasswordHasher(),
        policy: new PasswordPolicy(minPasswordLength ?? undefined),
      }),
  },
  {
    provide: AccountService,
    inject: [ACCOUNT_TERMS, AccountStores, AccountPasswords, AccountsBasis, ModulesContainer],
    useFactory: (
      terms: AccountTerms,
      { findAccounts }: AccountStores,
      passwords: AccountPasswords,
      { settings: { clock }, sessions, log }: AccountsBasis,
      modules: ModulesContainer,
    ): AccountService =>
      new AccountService({
        findStore: findAccounts,
        passwords,
        clock,
        endSessions: (id, exceptId) => sessions.endAll(id, exceptId === undefined ? {} : { except: exceptId }),
        endCodes: async (id) => {
          await findAppProvider(modules, OneTimeCodeStore, terms.where)?.endOfAccount(id);
        },
        revokeKeys: async (id) => {
          await findAppProvider(modules, ApiKeyService, terms.where)?.revokeAll(id);
        },
        emit: emitter(terms, log),
      }),
  },
  {
    provide: GroupService,
    inject: [AccountStores, AccountService, AccountsBasis],
    useFactory: ({ findGroups }: AccountStores, accounts: AccountService, { settings: { clock } }: AccountsBasis) =>
      new GroupService({ findStore: findGroups, accounts, clock }),
  },
  {
    provide: AccountSignIns,
    inject: [ACCOUNT_TERMS, AccountStores, AccountPasswords, AccountsBasis],
    useFactory: (
      terms: AccountTerms,
      { findAccounts }: AccountStores,
      passwords: AccountPasswords,
      { settings: { clock }, sessions, log }: AccountsBasis,
    ): AccountSignIns =>
      new AccountSignIns({
        findStore: findAccounts,
        passwords,
        clock,
        hasPasswords: terms.minPasswordLength !== null,
        endSessions: (id, exceptId) => sessions.endAll(id, exceptId === undefined ? {} : { except: exceptId }),
        emit: emitter(terms, log),
      }),
  },
  {
    provide: AccountRequests,
    inject: [ACCOUNT_TERMS, AccountService, AccountSignIns, AccountPasswords, AccountsBasis, AccountStores],
    useFactory: (
      terms: AccountTerms,
      accounts: AccountService,
      signIns: AccountSignIns,
      passwords: AccountPasswords,
      { settings: { clock }, gate, sessions }: AccountsBasis,
      { findLimits }: AccountStores,
    ) => new AccountRequests({ terms, gate, sessions, accounts, signIns, passwords, findLimits, clock }),
  },
];

/** Hands events to the app, and logs what its function throws. */
function emitter({ onEvent, where }: AccountTerms, log: EventLog): (event: AccountEvent) => void {
  const report = (thrown: unknown): void => {
    const { problem, frames } = describeThrown(thrown, null);
    log.report({ type: 'rule-failed', rule: `${where}({ onEvent })`, handler: 'AccountsModule', problem, frames });
  };
  return (event) => {
    if (onEvent === null) return;
    try {
      void Promise.resolve(onEvent(event)).catch(report);
    } catch (error) {
      report(error);
    }
  };
}
