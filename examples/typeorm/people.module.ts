import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { AccountStore, GroupStore } from 'nest-gatehouse/sql';
import { DataSource } from 'typeorm';
import { TypeOrmAccountStore } from './typeorm-account-store.js';
import { TypeOrmGroupStore } from './typeorm-group-store.js';
import { entities } from './user-entity.js';

export interface PeopleOptions {
  /** A URL of PostgreSQL. */
  readonly databaseUrl: string;
  /** The schema of the app's tables, which exists. @defaultValue 'public' */
  readonly schema?: string;
}

/**
 * The people of the app, in its own tables. It is global, because the modules of the package look for their stores in all modules.
 * With `TypeOrmModule` of `@nestjs/typeorm`, which provides the same token, the first provider is not needed.
 */
@Module({})
export class PeopleModule implements OnApplicationShutdown {
  constructor(@Inject(DataSource) private readonly source: DataSource) {}

  static forRoot({ databaseUrl, schema = 'public' }: PeopleOptions): DynamicModule {
    return {
      module: PeopleModule,
      global: true,
      providers: [
        { provide: DataSource, useFactory: () => openSource(databaseUrl, schema) },
        {
          provide: AccountStore,
          inject: [DataSource],
          useFactory: (source: DataSource) => new TypeOrmAccountStore(source),
        },
        {
          provide: GroupStore,
          inject: [DataSource],
          useFactory: (source: DataSource) => new TypeOrmGroupStore(source),
        },
      ],
      exports: [DataSource, AccountStore, GroupStore],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.source.destroy();
  }
}

/** An app in production has migrations of its own in the place of `synchronize`. */
export function openSource(url: string, schema: string): Promise<DataSource> {
  return new DataSource({
    type: 'postgres',
    url,
    schema,
    entities,
    synchronize: true,
    connectTimeoutMS: 5_000,
  }).initialize();
}
