import {
  type DynamicModule,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
  Inject,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { AppServices } from '../app-services.js';
import { NodeTimer } from '../clock/clock.js';
import { isReadingOnly } from '../configuration/reading-only.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { checkOnlyProviders } from '../find-app-provider.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { checkOptionsAreMade, provideAsyncOptions } from '../provide-async-options.js';
import { DatabaseDoctorCheck } from './database-doctor-check.js';
import { isPurgeable, SqlMaintenance } from './sql-maintenance.js';
import {
  readExcept,
  type ResolvedSqlStoresOptions,
  resolveSqlStoresOptions,
  type SqlStoresAsyncOptions,
  type SqlStoresExtras,
  type SqlStoresOptions,
} from './sql-stores-options.js';
import { sqlStores, type StoreToken, storeTokens } from './sql-stores.js';
import { StoreDatabase } from './store-database.js';

/** The token under which the options are injected, once they have been read. */
const SQL_STORES_OPTIONS = Symbol('nest-gatehouse.sql-stores-options');
/** The token of the stores that this registration provides. */
const PROVIDED_STORES = Symbol('nest-gatehouse.provided-stores');

/**
 * Keeps sessions, signing keys, revocations and API keys in PostgreSQL. Import it once, beside `AuthModule`; it is global, and
 * provides `SessionStore`, `SigningKeyStore`, `RevocationStore`, `ApiKeyStore` and `EncryptionKeys`.
 *
 * While the database is down, what needs it is answered with 503; access tokens are still verified. An app starts without its
 * database, and migrates when it is back.
 */
@Module({})
export class SqlStoresModule implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private database: StoreDatabase | null = null;
  private maintenance: SqlMaintenance | null = null;

  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /**
   * Registers the module with options that are at hand.
   *
   * @throws {ConfigurationError} for the first option that is wrong, missing or unknown: which one, and what to write instead.
   */
  static forRoot({ except, ...options }: SqlStoresOptions & SqlStoresExtras): DynamicModule {
    const where = 'SqlStoresModule.forRoot';
    const resolved = resolveSqlStoresOptions(where, options);
    return assemble(readExcept(where, except), [{ provide: SQL_STORES_OPTIONS, useValue: resolved }]);
  }

  /**
   * Registers the module with options that a factory makes from other providers. `except` is a member of the same object,
   * because it must be known before the factory runs.
   *
   * @throws {ConfigurationError} for a wrong combination at once, for wrong options when the app starts.
   */
  static forRootAsync({ except, ...options }: SqlStoresAsyncOptions): DynamicModule {
    const where = 'SqlStoresModule.forRootAsync';
    const { imports, providers } = provideAsyncOptions(where, options, {
      token: SQL_STORES_OPTIONS,
      create: (factory) => factory.createSqlStoresOptions(),
      resolve: resolveSqlStoresOptions,
    });
    return { ...assemble(readExcept(where, except), providers), imports };
  }

  /**
   * Called by Nest: opens the database and migrates. @throws {ConfigurationError} for what a developer has to change: a
   * driver that is missing, tables that are behind, a second provider of a store.
   */
  async onModuleInit(): Promise<void> {
    const fix = 'Make the options from providers that live as long as the app';
    checkOptionsAreMade('SqlStoresModule.forRootAsync', this.moduleRef, SQL_STORES_OPTIONS, fix);
    const modules = this.moduleRef.get(ModulesContainer, { strict: false });
    const provided = this.moduleRef.get<readonly StoreToken[]>(PROVIDED_STORES);
    checkOnlyProviders('SqlStoresModule.forRoot', provided, this.moduleRef, modules);
    this.moduleRef.get(AppServices).connect(this.moduleRef);
    const database = this.moduleRef.get(StoreDatabase);
    await database.start();
    this.database = database;
    this.maintenance = this.moduleRef.get<SqlMaintenance>(SqlMaintenance);
    this.maintenance.start();
  }

  /** Called by Nest when the app begins to stop. Requests are still being answered. */
  async onModuleDestroy(): Promise<void> {
    await this.maintenance?.stop();
  }

  /** Called by Nest when the server has closed, and the last request was answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.database?.close();
  }
}

function assemble(except: readonly StoreToken[], options: readonly Provider[]): DynamicModule {
  const provided = storeTokens.filter((token) => !except.includes(token));
  return {
    module: SqlStoresModule,
    global: true,
    providers: [
      ...options,
      ...baseProviders,
      doctorCheck,
      ...storeProviders(new Set(provided)),
      { provide: PROVIDED_STORES, useValue: provided },
    ],
    exports: [...provided, EncryptionKeys],
  };
}

const baseProviders: readonly Provider[] = [
  { provide: AppServices, useFactory: () => new AppServices() },
  {
    provide: EncryptionKeys,
    inject: [SQL_STORES_OPTIONS],
    useFactory: ({ encryptionKeys }: ResolvedSqlStoresOptions) => encryptionKeys(),
  },
  {
    provide: StoreDatabase,
    inject: [SQL_STORES_OPTIONS, AppServices],
    useFactory: (options: ResolvedSqlStoresOptions, clock: AppServices) => {
      const { database, schema, migrate, statementTimeoutMs } = options;
      const onMigrated = (names: readonly string[]): void => {
        new Logger('Gatehouse').log(`Migrated the tables of the schema ${schema}: ${names.join('; ')}`);
      };
      const open = (): ReturnType<typeof database.open> => {
        const directory = database.findNewDirectory?.() ?? null;
        if (directory !== null) {
          if (isReadingOnly()) {
            throw new ConfigurationError(
              'SqlStoresModule.forRoot',
              'there is no database yet',
              'The app creates it when it starts',
            );
          }
          new Logger('Gatehouse').log(`Creating a database in ${directory}, which takes a few seconds`);
        }
        return database.open({ statementTimeoutMs });
      };
      return new StoreDatabase({
        open,
        schema,
        migrate: migrate && !isReadingOnly(),
        clock,
        timer: new NodeTimer(),
        report: clock.report,
        onMigrated,
      });
    },
  },
];

const doctorCheck: Provider = {
  provide: DatabaseDoctorCheck,
  inject: [SQL_STORES_OPTIONS, StoreDatabase],
  useFactory: (options: ResolvedSqlStoresOptions, database: StoreDatabase) =>
    new DatabaseDoctorCheck(options, database),
};

function storeProviders(provided: ReadonlySet<StoreToken>): Provider[] {
  const provides = (token: StoreToken): boolean => provided.has(token);
  const stores = sqlStores.filter(({ token }) => provides(token));
  return [
    ...stores.map(({ token, create }) => ({
      provide: token,
      inject: [StoreDatabase, AppServices],
      useFactory: (database: StoreDatabase, clock: AppServices) => create({ database, clock, provides }),
    })),
    {
      provide: SqlMaintenance,
      inject: [AppServices, ...stores.map(({ token }) => token)],
      useFactory: (clock: AppServices, ...created: unknown[]) =>
        new SqlMaintenance({ stores: created.filter(isPurgeable), clock, timer: new NodeTimer() }),
    },
  ];
}
